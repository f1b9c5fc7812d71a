"""Classifies points with a cross-entropy that is written by hand. It goes well until a softmax is sure of itself."""

import torch
from torch import nn

torch.manual_seed(0)
points = torch.randn(512, 8)
classes = (points[:, 0] + points[:, 1] * points[:, 2] > 0).long()

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.9)

for epoch in range(20):
    for rows in torch.randperm(len(points)).split(64):
        probabilities = torch.softmax(model(points[rows]), dim=1)
        wanted = nn.functional.one_hot(classes[rows], 2)
        loss = -(wanted * torch.log(probabilities)).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
