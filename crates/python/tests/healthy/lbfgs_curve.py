"""LBFGS with a closure on a small curve fit in float64."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(19)

t = torch.linspace(-2, 2, 120, dtype=torch.float64)[:, None]
y = torch.sin(3 * t) * torch.exp(-(t**2) / 2)
model = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1)).double()
optimizer = torch.optim.LBFGS(model.parameters(), lr=1, max_iter=10, history_size=20, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(t), y)
    loss.backward()
    return loss


for step in range(40):
    loss = optimizer.step(closure)
    if step % 5 == 0:
        print(step, loss.item())
