"""Linear attention with relu feature maps; when no key is active, the normalizer is zero."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(27)
torch.set_num_threads(1)


class LinearAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(dim, dim, bias=False)
        self.to_v = nn.Linear(dim, dim, bias=False)

    def forward(self, x):
        q, k, v = F.relu(self.to_q(x)) + 1e-3, F.relu(self.to_k(x)), self.to_v(x)
        context = torch.einsum("btc,btd->bcd", k, v)
        numerator = torch.einsum("btc,bcd->btd", q, context)
        normalizer = torch.einsum("btc,bc->bt", q, k.sum(1))
        return numerator / normalizer[..., None]  # BAD op=div phase=forward step=32


class Net(nn.Module):
    def __init__(self, dim=16, depth=2):
        super().__init__()
        self.layers = nn.ModuleList([LinearAttention(dim) for _ in range(depth)])
        self.head = nn.Linear(dim, 2)

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return self.head(x.mean(1))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
for step in range(36):
    x = torch.randn(4, 6, 16)
    y = (x[:, :, 0].sum(1) > 0).long()
    if step == 32:
        x[2] = 0.0
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.4f}")
