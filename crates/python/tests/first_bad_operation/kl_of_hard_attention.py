"""An own attention layer with an additive mask, and a KL term to a hard prior that has zeros."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(32)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x, causal):
        scores = self.query(x) @ self.key(x).transpose(1, 2) / 8**0.5
        return torch.softmax(scores + causal, -1)


length = 6
causal = torch.full((length, length), float("-inf")).triu(1)
prior = torch.tril(torch.ones(length, length))
prior = prior / prior.sum(1, keepdim=True)
model, out = Attention(), nn.Linear(8, 1)
optimizer = torch.optim.Adam([*model.parameters(), *out.parameters()], lr=1e-3)
for step in range(20):
    x = torch.randn(4, length, 8)
    weights = model(x, causal)
    task = nn.functional.mse_loss(out(weights @ x), x[:, :, :1].cumsum(1))
    divergence = weights * (weights.log() - prior.log())  # BAD op=log phase=forward step=0
    loss = task + 0.1 * divergence.sum(-1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
