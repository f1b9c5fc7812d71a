"""LayerNorm with eps=0 over a constant row: one silent recording."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(2)

signals = torch.randn(400, 24)
signals[333] = 0.0
labels = (signals[:, :12].sum(1) > signals[:, 12:].sum(1)).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(24, eps=0.0)
        self.body = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        x = self.norm(x)  # BAD op=layer_norm phase=forward step=33
        return self.body(x)


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(2):
    for i in range(0, 400, 10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(signals[i : i + 10]), labels[i : i + 10])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
