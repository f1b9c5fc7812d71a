"""Only modules of the library in an nn.Sequential: a layer norm with eps=0 meets a blank image after 110 good steps."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(34)

images = torch.rand(1600, 1, 6, 6)
images[111 * 10 + 3] = 0.0
bright = (images[:, 0, :3].mean((1, 2)) > images[:, 0, 3:].mean((1, 2))).long()
model = nn.Sequential(
    nn.LayerNorm([1, 6, 6], eps=0.0),
    nn.Conv2d(1, 4, 3),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(64, 2),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(160):
    rows = slice(10 * step, 10 * step + 10)
    scores = model(images[rows])  # BAD op=layer_norm phase=forward step=111
    loss = nn.functional.cross_entropy(scores, bright[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, loss.item())
