"""Entropy-like term with log inside torch.where; the branch is masked, but 0 * inf is not zero."""
import torch
from torch import nn

torch.manual_seed(54)
torch.set_num_threads(1)

net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3), nn.ReLU())
with torch.no_grad():
    net[2].weight.mul_(0.1)
    net[2].bias.fill_(2.0)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)


def x_log_x(x):
    return torch.where(x > 0, x * torch.log(x), torch.zeros_like(x))  # BAD op=log|mul phase=backward step=20


open_gate = torch.ones(32, 3)
half_gate = torch.ones(32, 3)
half_gate[5, 1] = 0.0

for step in range(24):
    features = torch.randn(32, 4)
    gate = open_gate if step < 20 else half_gate
    activity = net(features) * gate
    loss = x_log_x(activity).mean() + 0.5 * (activity - 1.0).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if not all(torch.isfinite(p).all() for p in net.parameters()):
        raise ValueError(f"weights are not finite after step {step}, the loss was {loss.item():.4f}")
