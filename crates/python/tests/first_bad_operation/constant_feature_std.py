"""Batch standardization inside the model; in one batch a feature does not vary."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
torch.set_num_threads(1)


class Standardize(nn.Module):
    def forward(self, x):
        centered = x - x.mean(dim=0, keepdim=True)
        return centered / x.std(dim=0, keepdim=True)  # BAD op=div phase=forward step=33


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = Standardize()
        self.fc1 = nn.Linear(7, 20)
        self.fc2 = nn.Linear(20, 2)

    def forward(self, x):
        x = self.scale(x)
        x = torch.relu(self.fc1(x))
        return self.fc2(x)


data = torch.randn(600, 7)
data[:, 4] = (torch.rand(600) < 0.5).float()
data[33 * 12:34 * 12, 4] = 0.0
labels = (data[:, 0] + data[:, 4] > 0.5).long()

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
loss_fn = nn.CrossEntropyLoss()
running = 0.0
for i, (xb, yb) in enumerate(DataLoader(TensorDataset(data, labels), batch_size=12)):
    optimizer.zero_grad()
    loss = loss_fn(net(xb), yb)
    loss.backward()
    optimizer.step()
    running += loss.item()
    if i % 10 == 9:
        print(f"[{i + 1}] loss: {running / 10:.3f}")
        running = 0.0
