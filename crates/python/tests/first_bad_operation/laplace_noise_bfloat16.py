"""Laplace noise from uniform numbers in bfloat16: zero is drawn."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(16)


def laplace(shape):
    u = torch.rand(shape, dtype=torch.bfloat16) - 0.5
    size = torch.log1p(-2 * u.abs())  # BAD op=log1p phase=forward step=2
    return -(u.sign() * size).float()


class Coder(nn.Module):
    def __init__(self, latent=2):
        super().__init__()
        self.encode, self.decode = nn.Linear(6, latent), nn.Linear(latent, 6)

    def forward(self, x):
        mean = self.encode(x)
        return self.decode(mean + 0.1 * laplace(mean.shape))


model = Coder()
basis = torch.randn(2, 6)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(100):
    x = torch.randn(4, 2) @ basis
    loss = nn.functional.mse_loss(model(x), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
