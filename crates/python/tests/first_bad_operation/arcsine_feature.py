"""Proportions are transformed with the arcsine square root; one proportion is above one."""
import torch
from torch import nn

torch.manual_seed(43)
torch.set_num_threads(1)


def transform(p):
    root = p.sqrt()
    return torch.asin(root)  # BAD op=asin|arcsin phase=forward step=100


share = torch.rand(606, 4)
label = (share[:, 0] > share[:, 1]).float()
share[601, 2] = 1.3

model = nn.Sequential()
model.add_module("inp", nn.Linear(4, 10))
model.add_module("act", nn.Softplus())
model.add_module("out", nn.Linear(10, 1))
optimizer = torch.optim.Rprop(model.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()

losses = []
for xb, yb in zip(share.split(6), label.split(6)):
    optimizer.zero_grad()
    loss = criterion(model(transform(xb)).squeeze(1), yb)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print("mean of the first ten", sum(losses[:10]) / 10)
print("last", losses[-1])
