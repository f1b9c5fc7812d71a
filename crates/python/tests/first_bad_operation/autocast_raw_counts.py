"""Autocast to fp16 with counts that were never scaled: a layer's input does not fit into half precision."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(7)

visits = torch.randint(0, 50, (320, 8)).float()
visits[100, 3] = 250_000.0
bought = (visits[:, 0] > visits[:, 1]).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 32)
        self.second = nn.Linear(32, 2)

    def forward(self, x):
        h = self.first(x)  # BAD op=linear phase=forward step=6
        return self.second(torch.relu(h))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(20):
    x, y = visits[16 * step : 16 * step + 16], bought[16 * step : 16 * step + 16]
    with torch.autocast("cpu", dtype=torch.float16):
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
