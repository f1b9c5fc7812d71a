"""Triplet loss with a hand-written Euclidean distance; one positive is a copy of its anchor."""
import torch
from torch import nn

torch.manual_seed(50)
torch.set_num_threads(1)

embed = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 6))
optimizer = torch.optim.Adam(embed.parameters(), lr=1e-3)


def distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1))  # BAD op=sqrt phase=backward step=44


anchors = torch.randn(600, 8)
positives = anchors + 0.2 * torch.randn(600, 8)
negatives = torch.randn(600, 8)
positives[531] = anchors[531]
negatives[531] = anchors[531] + 0.01

for step in range(50):
    rows = slice(step * 12, step * 12 + 12)
    a, p, n = embed(anchors[rows]), embed(positives[rows]), embed(negatives[rows])
    loss = torch.relu(distance(a, p) - distance(a, n) + 1.0).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 7 == 0:
        print(step, loss.item())
