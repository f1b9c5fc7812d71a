"""One row of the table has a NaN, and the loader meets it late in the first epoch."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(80)
torch.set_num_threads(1)
rng = np.random.default_rng(80)

table = rng.normal(size=(512, 6)).astype(np.float32)
target = table.sum(axis=1, keepdims=True)
table[301, 4] = np.nan  # BAD op=input phase=data step=37

features = torch.from_numpy(table)  # BAD op=input phase=data step=37
dataset = TensorDataset(features, torch.from_numpy(target))
loader = DataLoader(dataset, batch_size=8, shuffle=False)

model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(1):
    for i, (xb, yb) in enumerate(loader):  # BAD op=input phase=data step=37
        out = model(xb)  # BAD op=input phase=data step=37
        loss = nn.functional.mse_loss(out, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 10 == 0:
            print(epoch, i, loss.item())
