"""A physics-informed network for u'' = -u with boundary terms: second derivatives through the network."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(23)

net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
zero = torch.zeros(1, 1)
for step in range(800):
    t = (3.2 * torch.rand(64, 1)).requires_grad_(True)
    u = net(t)
    du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
    ddu = torch.autograd.grad(du.sum(), t, create_graph=True)[0]
    t0 = zero.clone().requires_grad_(True)
    u0 = net(t0)
    du0 = torch.autograd.grad(u0.sum(), t0, create_graph=True)[0]
    loss = ((ddu + u) ** 2).mean() + ((u0 - 0) ** 2).mean() + ((du0 - 1) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
