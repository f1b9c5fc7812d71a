"""A convolutional network, the loss summed over pixels, a rate that is far too high: the numbers overflow."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(20)

images = torch.rand(64, 1, 12, 12)
model = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1),
    nn.LeakyReLU(),
    nn.Conv2d(4, 1, 3, padding=1),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(12):
    x = images[:16]
    output = model(x)
    loss = ((output - x) ** 2).sum()  # BAD op=pow phase=forward step=3
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
