"""Mean absolute percentage error by hand; one true value is zero."""
import torch
from torch import nn

torch.manual_seed(23)
torch.set_num_threads(1)

inputs = torch.rand(700, 5)
sales = 10 + 40 * inputs[:, 0] + 5 * inputs[:, 1]
sales[395] = 0.0  # the shop was closed

model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)

history = []
for step in range(60):
    xb = inputs[step * 7:step * 7 + 7]
    yb = sales[step * 7:step * 7 + 7]
    forecast = model(xb).squeeze(1)
    error = torch.abs(forecast - yb)
    relative = (error / yb.abs()).mean()  # BAD op=div phase=forward step=56
    optimizer.zero_grad()
    relative.backward()
    optimizer.step()
    scheduler.step()
    history.append(relative.item())
print("first", history[:3], "last", history[-3:])
