"""Rare classes with a weighted cross-entropy that does learn them."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(27)

counts = torch.tensor([1700, 200, 100])
labels = torch.repeat_interleave(torch.arange(3), counts)
x = 2.5 * torch.eye(3, 8)[labels] + torch.randn(2000, 8)
weights = counts.sum() / (3.0 * counts)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss(weight=weights)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for i in torch.randperm(2000).split(64):
        loss = criterion(model(x[i]), labels[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        p = model(x).argmax(1)
        recall = [round((p[labels == c] == c).float().mean().item(), 3) for c in range(3)]
    print(epoch, round(loss.item(), 4), recall)
