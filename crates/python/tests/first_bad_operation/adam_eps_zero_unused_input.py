"""Adam without an epsilon; one input column is always zero, so its weights never get a gradient."""
import torch
from torch import nn

torch.manual_seed(70)
torch.set_num_threads(1)

x = torch.randn(128, 5)
x[:, 2] = 0.0
y = x.sum(1, keepdim=True)

model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=0.0)

for epoch in range(3):
    for xb, yb in zip(x.split(32), y.split(32)):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(xb), yb)
        loss.backward()
        optimizer.step()  # BAD op=update phase=update step=0
    print("epoch", epoch, loss.item())

model.eval()
with torch.no_grad():
    error = (model(x) - y).abs().mean()
print("mean absolute error", error.item())
