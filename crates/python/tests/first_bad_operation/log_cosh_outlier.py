"""Regression with the log-cosh loss; one target is an outlier."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(22)
torch.set_num_threads(1)


class LogCosh(nn.Module):
    def forward(self, prediction, target):
        return torch.log(torch.cosh(prediction - target)).mean()  # BAD op=cosh phase=forward step=90


x = torch.randn(320, 3)
y = x.pow(2).sum(1, keepdim=True)
y[165] = 1200.0

train = DataLoader(TensorDataset(x[:160], y[:160]), batch_size=4)
extra = DataLoader(TensorDataset(x[160:], y[160:]), batch_size=4)

model = nn.Sequential(nn.Linear(3, 32), nn.ELU(), nn.Linear(32, 1))
criterion = LogCosh()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def fit(loader, limit):
    total = 0.0
    for i, (xb, yb) in enumerate(loader):
        if i == limit:
            break
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / limit


print("epoch 1", fit(train, 40))
print("epoch 2", fit(train, 40))
print("warm", fit(train, 9))
print("extra", fit(extra, 10))
