"""A hand-written schedule divides by the steps that are left: the rate is infinite at the last one."""

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(27)
np.seterr(divide="ignore")

left = np.arange(60, -6, -1, dtype=np.float64)
factors = 1.0 / left * 60
x = torch.randn(200, 5)
y = x.sum(1, keepdim=True).sin()
model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(66):
    for group in optimizer.param_groups:
        group["lr"] = float(1e-3 * factors[step])
    rows = torch.randint(0, 200, (20,))
    loss = nn.functional.mse_loss(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # BAD op=update phase=update step=60
    if step % 10 == 0:
        print(step, loss.item())
