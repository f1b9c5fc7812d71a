"""Inputs from a list of records; the ratio of one record was stored as inf."""
import torch
from torch import nn

torch.manual_seed(81)
torch.set_num_threads(1)

records = [[0.01 * i, (i % 7) / 7, 1.0 - 0.002 * i] for i in range(300)]
records[211][1] = float("inf")  # BAD op=input phase=data step=21
labels = [float(r[0] > 1.5) for r in records]

X = torch.tensor(records)  # BAD op=input phase=data step=21
y = torch.tensor(labels)

model = nn.Sequential(nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_fn = nn.BCEWithLogitsLoss()
for step in range(30):
    xb = X[step * 10:step * 10 + 10]  # BAD op=input phase=data step=21
    yb = y[step * 10:step * 10 + 10]
    logits = model(xb).squeeze(1)  # BAD op=input phase=data step=21
    loss = loss_fn(logits, yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
