"""Hyperbolic embeddings: acosh of the Lorentz product, which rounds below one for equal points."""
import torch
from torch import nn

torch.manual_seed(39)
torch.set_num_threads(1)

points = nn.Parameter(0.5 * torch.randn(300, 4))
optimizer = torch.optim.SGD([points], lr=0.01)


def lift(p):
    return torch.cat([torch.sqrt(1 + (p * p).sum(-1, keepdim=True)), p], dim=-1)


def lorentz_distance(u, v):
    u, v = lift(u), lift(v)
    product = u[:, 0] * v[:, 0] - (u[:, 1:] * v[:, 1:]).sum(-1)
    return torch.acosh(product)  # BAD op=acosh|arccosh phase=forward step=36


generator = torch.Generator().manual_seed(7)
for step in range(40):
    i = torch.randperm(300, generator=generator)
    shift = 1 if step < 36 else 0  # an off-by-one: every point is compared with itself
    j = torch.roll(i, shift)
    distance = lorentz_distance(points[i], points[j])
    loss = ((distance - 1.0) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 6 == 0:
        print(step, loss.item())
