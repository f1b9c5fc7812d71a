"""Regression with a missing target that nobody filled in."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(83)
torch.set_num_threads(1)

days = np.arange(400, dtype=np.float32)
load = 50 + 10 * np.sin(days / 7) + 0.02 * days
load[262] = np.nan  # BAD op=input phase=data step=65

t = torch.from_numpy(days / 400).unsqueeze(1)
y = torch.as_tensor(load / 60, dtype=torch.float32)  # BAD op=input phase=data step=65


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(1, 20)
        self.out = nn.Linear(20, 1)

    def forward(self, t):
        return self.out(torch.tanh(self.hidden(t))).squeeze(1)


model = Forecaster()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for step in range(70):
    rows = slice(4 * step, 4 * step + 4)
    prediction = model(t[rows])
    target = y[rows]  # BAD op=input phase=data step=65
    loss = F.mse_loss(prediction, target)  # BAD op=input phase=data step=65
    if torch.isnan(loss):
        raise ValueError(f"loss is nan at step {step}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
