"""Normalized gradient descent by hand; a frozen branch has a gradient of length zero."""
import torch
from torch import nn

torch.manual_seed(74)
torch.set_num_threads(1)


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(4, 1)
        self.right = nn.Linear(4, 1)

    def forward(self, x, gate):
        return self.left(x) + gate * self.right(x)


model = Gated()
lr = 0.01
for step in range(45):
    x = torch.randn(20, 4)
    y = x[:, :1] - x[:, 3:]
    gate = 1.0 if step < 41 else 0.0
    loss = nn.functional.mse_loss(model(x, gate), y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad / p.grad.norm()  # BAD op=update|div phase=update step=41
    if step % 8 == 0:
        print(step, loss.item())
print("last loss", loss.item())
