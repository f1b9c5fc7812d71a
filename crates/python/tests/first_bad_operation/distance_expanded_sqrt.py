"""Distances by the expanded square: far from the origin, rounding makes a square zero."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(13)

points = 300 + torch.randn(400, 6)
labels = (points[:, 0] > 300).long()


class Prototypes(nn.Module):
    def __init__(self):
        super().__init__()
        self.centers = nn.Parameter(points[:4].clone())
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        square = (x**2).sum(1, keepdim=True) + (self.centers**2).sum(1) - 2 * x @ self.centers.T
        distance = torch.sqrt(square)  # BAD op=sqrt phase=backward step=15
        return self.out(distance)


model = Prototypes()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
order = torch.arange(399, -1, -1)
for epoch in range(2):
    for index in order.split(25):
        loss = nn.functional.cross_entropy(model(points[index]), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
