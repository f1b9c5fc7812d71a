"""A network cuts variances off at zero with a mask and takes their root: at zero the derivative is infinite."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(24)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 16), nn.Tanh())
        self.mean = nn.Linear(16, 2)
        self.variance = nn.Linear(16, 2)
        nn.init.constant_(self.variance.bias, 0.6)

    def forward(self, x):
        h = self.body(x)
        raw = self.variance(h)
        spread = (raw * (raw > 0)).sqrt()  # BAD op=sqrt phase=backward step=10
        return self.mean(h) + spread * torch.randn_like(spread)


encoder, decoder = Encoder(), nn.Linear(2, 6)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
basis = torch.randn(2, 6)
for step in range(500):
    x = torch.randn(32, 2) @ basis
    loss = nn.functional.mse_loss(decoder(encoder(x)), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
