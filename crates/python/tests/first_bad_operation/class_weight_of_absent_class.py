"""Class weights are computed per batch; a class that is absent has the weight 1/0."""

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(14)

labels = torch.randint(0, 4, (1200,))
labels[600:640] = torch.randint(0, 3, (40,))
x = F.one_hot(labels, 6).float() + 0.7 * torch.randn(1200, 6)
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)


def balanced(logits, y):
    onehot = F.one_hot(y, 4).float()
    weight = 1.0 / onehot.sum(0)  # BAD op=reciprocal|rtruediv|rdiv|div phase=forward step=15
    per_class = -(onehot * F.log_softmax(logits, 1)).sum(0)
    return (weight * per_class).mean()


for step in range(30):
    rows = slice(40 * step, 40 * step + 40)
    loss = balanced(model(x[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 0:
        print(step, loss.item())
