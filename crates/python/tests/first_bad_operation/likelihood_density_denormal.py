"""A density is computed and then logged: a tiny one has a finite logarithm and an infinite derivative."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(22)

x = torch.randn(600, 3)
y = x[:, 0] - x[:, 2] + 0.3 * torch.randn(600)
y[455] = y[455] + 13.9
model = nn.Linear(3, 1)
with torch.no_grad():
    model.weight.copy_(torch.tensor([[1.0, 0.0, -1.0]]))
    model.bias.zero_()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)


def density(error):
    return torch.exp(-0.5 * error**2)


for step in range(60):
    rows = slice(10 * step, 10 * step + 10)
    p = density(y[rows] - model(x[rows]).squeeze(1))
    loss = -torch.log(p).mean()  # BAD op=log phase=backward step=45
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
