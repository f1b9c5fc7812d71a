"""A probit link in float64: the probability of one extreme row is exactly one."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(6)
torch.set_default_dtype(torch.float64)

x = torch.randn(1000, 4)
x[612] *= 400
score = x @ torch.tensor([0.8, -0.5, 0.3, 0.1])
net = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
nn.init.constant_(net[0].weight, 0.2)
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
for epoch in range(2):
    for start in range(0, 1000, 50):
        p = net(x[start : start + 50]).squeeze(1)
        z = torch.special.ndtri(p)  # BAD op=ndtri|special_ndtri phase=forward step=12
        loss = nn.functional.smooth_l1_loss(z, score[start : start + 50].clamp(-3, 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
