"""A normalization layer with the one-pass variance E[x^2] - E[x]^2."""
import torch
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(1)


class OnePassNorm(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(features))
        self.shift = nn.Parameter(torch.zeros(features))

    def forward(self, x):
        mean = x.mean(dim=0)
        var = (x * x).mean(dim=0) - mean * mean
        std = torch.sqrt(var)  # BAD op=sqrt phase=forward step=52
        return (x - mean) / (std + 1e-5) * self.gain + self.shift


model = nn.Sequential(
    OnePassNorm(64),
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Dropout(0.1),
    nn.Linear(32, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
target_weights = torch.randn(64, 1) / 8

for step in range(60):
    x = torch.randn(32, 64)
    y = x @ target_weights
    if step >= 52:
        x = 1e-3 * x + 12345.0  # the sensor drifted
    loss = nn.functional.smooth_l1_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 13 == 0:
        print(step, loss.item())
