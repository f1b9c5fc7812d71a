"""An optimizer of one's own steps along the direction of the gradient; an unused expert has none."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(28)


class Direction(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * p.grad / p.grad.norm())  # BAD op=update|div phase=update step=130


class Switch(nn.Module):
    def __init__(self):
        super().__init__()
        self.low, self.high = nn.Linear(3, 1), nn.Linear(3, 1)

    def forward(self, x):
        choose = (x[:, :1] > 0).float()
        return choose * self.high(x) + (1 - choose) * self.low(x)


model = Switch()
optimizer = Direction(model.parameters(), lr=1e-2)
for step in range(160):
    x = torch.randn(16, 3)
    if step == 130:
        x = x.abs()
    loss = nn.functional.mse_loss(model(x), x[:, :1].abs() + x[:, 1:2])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # BAD op=update phase=update step=130
    if step % 20 == 0:
        print(step, loss.item())
