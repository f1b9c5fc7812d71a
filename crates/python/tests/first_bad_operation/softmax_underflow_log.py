"""A small classifier with a hand-written cross entropy."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

N, D, CLASSES = 960, 12, 4
x = torch.randn(N, D)
y = (x @ torch.randn(D, CLASSES)).argmax(1)
x[700] *= 2000.0  # one row was recorded in another unit

loader = DataLoader(TensorDataset(x, y), batch_size=16)
model = nn.Sequential(nn.Linear(D, 32), nn.ReLU(), nn.Linear(32, CLASSES))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def cross_entropy(logits, target):
    p = torch.softmax(logits, dim=1)
    onehot = nn.functional.one_hot(target, CLASSES).float()
    return -(onehot * torch.log(p)).sum(1).mean()  # BAD op=log phase=forward step=43


for epoch in range(1):
    for i, (xb, yb) in enumerate(loader):
        loss = cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 10 == 0:
            print(f"epoch {epoch} batch {i} loss {loss.item():.4f}")
