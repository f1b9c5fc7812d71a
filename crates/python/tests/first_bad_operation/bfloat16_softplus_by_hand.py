"""Autocast to bfloat16 on the CPU, with softplus written as log(1 + exp(x))."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(20)
torch.set_num_threads(1)


class PositiveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 24)
        self.fc2 = nn.Linear(24, 4)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = self.fc2(x)
        return torch.log(1 + torch.exp(x))  # BAD op=exp phase=forward step=57


x = torch.randn(640, 6)
y = x[:, :4].abs()
x[57 * 8 + 2] = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, 1.0]) * 1e5

model = PositiveNet()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for i, (xb, yb) in enumerate(DataLoader(TensorDataset(x, y), batch_size=8)):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nn.functional.l1_loss(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 16 == 0:
        print(i, loss.item())
