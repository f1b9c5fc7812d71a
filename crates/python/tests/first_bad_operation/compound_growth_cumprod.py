"""Daily growth rates are compounded with cumprod; one series has rates in percent."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(12)

rates = 0.01 * torch.randn(500, 60)
rates[287] = 5 + rates[287].abs() * 100


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(60))
        self.line = nn.Linear(60, 1)

    def forward(self, r):
        level = torch.cumprod(1 + self.gain * r, dim=1)  # BAD op=cumprod phase=forward step=28
        return self.line(level)


model = Forecast()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(50):
    batch = rates[10 * step : 10 * step + 10]
    goal = batch.sum(1, keepdim=True)
    loss = nn.functional.l1_loss(model(batch), goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
