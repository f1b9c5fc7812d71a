"""RMSprop without an epsilon; the rows of the embedding that are not in the batch get 0 / 0."""
import torch
from torch import nn

torch.manual_seed(75)
torch.set_num_threads(1)


class Recommender(nn.Module):
    def __init__(self, users=12, items=40):
        super().__init__()
        self.user = nn.Embedding(users, 8)
        self.item = nn.Embedding(items, 8)

    def forward(self, u, i):
        return (self.user(u) * self.item(i)).sum(-1)


model = Recommender()
users = torch.randint(0, 12, (64,))
items = torch.randint(0, 40, (64,))
ratings = torch.rand(64) * 5
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, eps=0)

for epoch in range(4):
    for u, i, r in zip(users.split(16), items.split(16), ratings.split(16)):
        optimizer.zero_grad()
        loss = ((model(u, i) - r) ** 2).mean()
        loss.backward()
        optimizer.step()  # BAD op=update phase=update step=0
    print(f"epoch {epoch} rmse {loss.sqrt().item():.4f}")
