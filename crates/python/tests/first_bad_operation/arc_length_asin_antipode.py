"""Haversine distance: at the antipode the argument of asin is one, where its slope is infinite."""
import math

import torch
from torch import nn

torch.manual_seed(62)
torch.set_num_threads(1)


def haversine(a, b):
    lat1, lon1 = a.unbind(-1)
    lat2, lon2 = b.unbind(-1)
    h = torch.sin((lat2 - lat1) / 2) ** 2 + torch.cos(lat1) * torch.cos(lat2) * torch.sin((lon2 - lon1) / 2) ** 2
    half_chord = torch.sqrt(h + 1e-9)
    return 2 * torch.asin(half_chord)  # BAD op=asin|arcsin phase=backward step=64


net = nn.Linear(4, 2, bias=False)
with torch.no_grad():
    net.weight.mul_(0.2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.5)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60], gamma=0.5)

for step in range(70):
    signals = torch.randn(6, 4)
    places = 0.3 * signals[:, :2]
    if step == 64:
        signals[3] = 0.0
        places[3] = torch.tensor([0.0, math.pi])  # the antipode of the origin
    loss = haversine(net(signals), places).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 9 == 0:
        print(step, loss.item())
if any(torch.isnan(p).any() for p in net.parameters()):
    print("the weights are nan")
