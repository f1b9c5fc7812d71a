"""The inverse of softplus, written as log(expm1(x)), inside a model; one value is too large for expm1."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(15)


def inverse_softplus(x):
    return torch.log(torch.expm1(x))  # BAD op=expm1 phase=forward step=110


class Rates(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(3))
        self.mix = nn.Linear(3, 1)

    def forward(self, x):
        return self.mix(inverse_softplus(x) + self.shift)


rates = 0.1 + 5 * torch.rand(1500, 3)
rates[1108, 1] = 140.0
model = Rates()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(150):
    x = rates[10 * step : 10 * step + 10]
    loss = nn.functional.mse_loss(model(x), x.log().sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
