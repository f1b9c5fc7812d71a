"""An affine coupling layer whose scale is not bounded: exp overflows for an outlier."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(19)


class Coupling(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        a, b = x[:, :1], x[:, 1:]
        log_scale, shift = self.net(a).chunk(2, 1)
        scale = torch.exp(log_scale)  # BAD op=exp phase=forward step=105
        return torch.cat([b * scale + shift, a], 1), log_scale.squeeze(1)


flow = nn.ModuleList([Coupling(), Coupling()])
optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
for step in range(140):
    z = torch.randn(64, 2)
    if step == 105:
        z[40, 0] = 1e5
        z[41, 0] = -1e5
    total = 0.0
    for layer in flow:
        z, log_det = layer(z)
        total = total + log_det
    loss = (0.5 * (z**2).sum(1) - total).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, loss.item())
