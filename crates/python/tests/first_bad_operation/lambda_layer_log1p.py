"""A Lambda layer takes log1p of a feature that is below -1 in one row."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(4)


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)  # BAD op=log1p phase=forward step=20


amounts = torch.rand(640, 4) * 10
amounts[20 * 16 + 7, 2] = -3.0
target = amounts.clamp(min=0).log1p().sum(1, keepdim=True)
model = nn.Sequential(Lambda(torch.log1p), nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(40):
    x, y = amounts[step * 16 : step * 16 + 16], target[step * 16 : step * 16 + 16]
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
