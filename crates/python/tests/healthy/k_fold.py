"""Five-fold cross-validation: five models one after the other."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(18)

x = torch.randn(1000, 8)
y = x[:, :1] ** 2 + x[:, 1:2] * x[:, 2:3] + 0.1 * torch.randn(1000, 1)
folds = torch.randperm(1000).chunk(5)
scores = []
for k in range(5):
    val = folds[k]
    train = torch.cat([folds[j] for j in range(5) if j != k])
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for i in train[torch.randperm(len(train))].split(40):
            loss = nn.functional.mse_loss(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        scores.append(nn.functional.mse_loss(model(x[val]), y[val]).item())
    print(f"fold {k}: train {loss.item():.4f}, validation {scores[-1]:.4f}")
print("mean", sum(scores) / 5)
