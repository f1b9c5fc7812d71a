"""The model takes the logarithm of its inputs; one price is negative."""
import torch
from torch import nn

torch.manual_seed(35)
torch.set_num_threads(1)


class PriceModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, prices):
        features = prices.log()  # BAD op=log phase=forward step=54
        return self.net(features)


prices = torch.rand(480, 3) * 90 + 10
target = (prices[:, :1] / prices[:, 1:2]).clamp(max=3)
prices[54 * 6 + 1, 2] = -37.63

model = PriceModel()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
accumulate = 2
for i, (xb, yb) in enumerate(zip(prices.split(3), target.split(3))):
    loss = nn.functional.mse_loss(model(xb), yb) / accumulate
    loss.backward()
    if (i + 1) % accumulate == 0:
        optimizer.step()
        optimizer.zero_grad()
    if i % 20 == 0:
        print(i, loss.item())
