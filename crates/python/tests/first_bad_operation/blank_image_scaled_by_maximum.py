"""Images are scaled by their own maximum when a batch is put together; one image is blank."""

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.set_num_threads(1)
torch.manual_seed(31)

images = torch.rand(256, 1, 8, 8)
images[9 * 16 + 2] = 0
examples = [(images[i], int(images[i, 0, :4].sum() > images[i, 0, 4:].sum())) for i in range(256)]


def collate(batch):
    x = torch.stack([image for image, _ in batch])
    x = x / x.amax((1, 2, 3), keepdim=True)  # BAD op=div|input phase=data|forward step=9
    return x, torch.tensor([label for _, label in batch])


model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for x, y in DataLoader(examples, batch_size=16, collate_fn=collate):
    output = model(x)  # BAD op=input|div phase=data|forward step=9
    loss = nn.functional.cross_entropy(output, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(loss.item())
