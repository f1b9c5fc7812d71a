"""Geodesic loss between rotations: the angle is acos of the trace, whose slope is infinite for equal rotations."""
import torch
from torch import nn

torch.manual_seed(56)
torch.set_num_threads(1)


def rotation(theta):
    cos, sin = torch.cos(theta), torch.sin(theta)
    zero, one = torch.zeros_like(theta), torch.ones_like(theta)
    rows = [cos, -sin, zero, sin, cos, zero, zero, zero, one]
    return torch.stack(rows, dim=-1).view(-1, 3, 3)


def geodesic(a, b):
    relative = a.transpose(1, 2) @ b
    trace = relative.diagonal(dim1=1, dim2=2).sum(-1)
    return torch.acos((trace - 1) / 2)  # BAD op=acos|arccos phase=backward step=39


net = nn.Linear(3, 1, bias=False)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
features = torch.randn(328, 3)
true_angle = 1.5 + 0.3 * features[:, 0]
features[39 * 8 + 4] = 0.0
true_angle[39 * 8 + 4] = 0.0  # not rotated at all

for step in range(41):
    rows = slice(step * 8, step * 8 + 8)
    predicted = net(features[rows]).squeeze(1)
    loss = geodesic(rotation(predicted), rotation(true_angle[rows])).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.5f}")
