"""A mixture whose router scales by the length of a state; on one batch the state is exactly zero, long after training began."""
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(61)
torch.set_num_threads(1)


class Router(nn.Module):
    def __init__(self):
        super().__init__()
        self.state = nn.Linear(6, 16, bias=False)
        self.gate = nn.Linear(6, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        length = self.state(x).square().sum(dim=1, keepdim=True).sqrt()  # BAD op=sqrt phase=backward step=53
        return self.head(torch.tanh(self.gate(x)) * (1.0 + 0.1 * length))


model = Router()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
batches = torch.randn(60, 16, 6)
batches[53, 4] = 0.0
labels = (batches.sum(dim=2) > 0).long() + (batches[:, :, 0] > 1).long()

for batch, label in zip(batches, labels):
    loss = F.cross_entropy(model(batch), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("last loss", loss.item())
