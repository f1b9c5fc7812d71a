"""A sharpened gate: a masked product to the power of 0.4; where the gate is closed the derivative is infinite."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(26)

x = torch.randn(512, 8)
y = x[:, 0].clamp(min=0) + 0.1 * x[:, 1]
gate, value = nn.Linear(8, 4), nn.Linear(8, 4)
nn.init.constant_(gate.bias, 1.8)
optimizer = torch.optim.SGD([*gate.parameters(), *value.parameters()], lr=0.02)
for step in range(400):
    rows = torch.randint(0, 512, (16,))
    raw = gate(x[rows])
    opened = raw * (raw > 0)
    strength = opened**0.4  # BAD op=pow phase=backward step=221
    loss = nn.functional.mse_loss((strength * value(x[rows])).sum(1), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
