"""After each step the embeddings are projected to norm one; that of the padding is zero."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(29)


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 8, padding_idx=0)
        self.out = nn.Linear(8, 2)

    def forward(self, tokens):
        return self.out(self.embed(tokens).sum(1))


model = Bag()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(30):
    tokens = torch.randint(0, 40, (16, 6))
    label = (tokens > 20).sum(1).gt(3).long()
    loss = nn.functional.cross_entropy(model(tokens), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        weight = model.embed.weight
        weight.div_(weight.norm(dim=1, keepdim=True))  # BAD op=update|div|div_ phase=update step=1
    print(step, loss.item())
