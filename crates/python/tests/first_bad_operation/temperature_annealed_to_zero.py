"""The temperature of a softmax is annealed linearly and reaches zero."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(17)

x = torch.randn(300, 5)
y = x[:, :3].argmax(1)
model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(130):
    temperature = max(0.0, 1.0 - step / 120)
    rows = torch.randint(0, 300, (24,))
    scores = model(x[rows])
    sharp = scores / temperature  # BAD op=div phase=forward step=120
    loss = nn.functional.cross_entropy(sharp, y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, temperature, loss.item())
