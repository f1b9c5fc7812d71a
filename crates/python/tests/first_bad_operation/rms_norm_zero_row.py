"""RMSNorm without an epsilon; an all-zero row of the input has no scale."""
import torch
from torch import nn

torch.manual_seed(25)
torch.set_num_threads(1)


class RMSNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        inv = torch.rsqrt(x.pow(2).mean(-1, keepdim=True))  # BAD op=rsqrt phase=forward step=38
        return x * inv * self.weight


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = RMSNorm(dim)
        self.up = nn.Linear(dim, 2 * dim, bias=False)
        self.down = nn.Linear(2 * dim, dim, bias=False)

    def forward(self, x):
        return x + self.down(nn.functional.silu(self.up(self.norm(x))))


blocks = nn.ModuleList([Block(8) for _ in range(3)])
head = nn.Linear(8, 1)
optimizer = torch.optim.AdamW(list(blocks.parameters()) + list(head.parameters()), lr=1e-3)

x = torch.randn(500, 8)
y = x.prod(1, keepdim=True).tanh()
x[386] = 0.0
for step in range(45):
    h = x[step * 10:(step + 1) * 10]
    for block in blocks:
        h = block(h)
    loss = nn.functional.mse_loss(head(h), y[step * 10:(step + 1) * 10])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 9 == 0:
        print(step, loss.item())
print("last loss", loss.item())
