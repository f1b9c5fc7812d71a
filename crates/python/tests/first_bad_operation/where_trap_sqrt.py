"""sqrt guarded by torch.where; the guard does not protect the gradient."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(53)
torch.set_num_threads(1)


class SignedSqrt(nn.Module):
    def forward(self, x):
        magnitude = x.abs()
        root = magnitude.sqrt()  # BAD op=sqrt phase=backward step=25
        safe = torch.where(magnitude > 0, root, magnitude)
        return torch.sign(x) * safe


model = nn.Sequential(
    nn.Linear(6, 10, bias=False),
    SignedSqrt(),
    nn.Linear(10, 1),
)
x = torch.randn(320, 6)
y = x.sum(1, keepdim=True)
x[204] = 0.0

optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for i, (xb, yb) in enumerate(DataLoader(TensorDataset(x, y), batch_size=8)):
    loss = nn.functional.mse_loss(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 6 == 0:
        print(i, loss.item())
    if i > 28:
        break
print("last loss", loss.item())
