"""Word counts are turned into shares in place inside the model; one document has no known word."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(8)


class Topics(nn.Module):
    def __init__(self, words=30, topics=5):
        super().__init__()
        self.gate = nn.Parameter(torch.ones(words))
        self.decode = nn.Sequential(nn.Linear(words, 16), nn.ReLU(), nn.Linear(16, topics))

    def forward(self, counts):
        shares = counts * self.gate
        shares /= shares.sum(1, keepdim=True)  # BAD op=div|itruediv|div_ phase=forward step=15
        return self.decode(shares)


topic = torch.randint(0, 5, (600,))
counts = torch.poisson(torch.rand(5, 30)[topic] * 3)
counts[15 * 20 + 11] = 0
model = Topics()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(30):
    rows = slice(step * 20, step * 20 + 20)
    loss = nn.functional.cross_entropy(model(counts[rows]), topic[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if not torch.isfinite(loss):
        raise ValueError("the loss is not finite")
