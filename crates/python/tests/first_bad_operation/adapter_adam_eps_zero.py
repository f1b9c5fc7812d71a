"""Low-rank adapter added after a while: its up matrix starts at zero, so its down matrix gets a zero gradient."""
import torch
from torch import nn

torch.manual_seed(71)
torch.set_num_threads(1)


class Adapted(nn.Module):
    def __init__(self, d_in, d_out, rank=2):
        super().__init__()
        self.base = nn.Linear(d_in, d_out)
        self.down = nn.Parameter(torch.randn(d_in, rank) / d_in ** 0.5)
        self.up = nn.Parameter(torch.zeros(rank, d_out))
        self.use_adapter = False

    def forward(self, x):
        out = self.base(x)
        if self.use_adapter:
            out = out + x @ self.down @ self.up
        return out


model = Adapted(6, 3)
optimizer = torch.optim.Adam(model.base.parameters(), lr=1e-2, eps=0.0)
mixing = torch.randn(6, 3)

for step in range(55):
    if step == 48:
        model.use_adapter = True
        optimizer.add_param_group({"params": [model.down, model.up], "lr": 1e-3})
    x = torch.randn(16, 6)
    loss = nn.functional.mse_loss(model(x), torch.tanh(x @ mixing))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # BAD op=update phase=update step=48
    if step % 8 == 0:
        print(step, loss.item())
print("last loss", loss.item())
