"""A half precision penalty: the squares do not fit into float16."""
import torch
from torch import nn

torch.manual_seed(19)
torch.set_num_threads(1)

x = torch.randn(480, 10)
x[300:308] *= 2000.0
y = torch.randn(480, 1)

body = nn.Sequential(nn.Linear(10, 16), nn.ReLU())
head = nn.Linear(16, 1)
params = list(body.parameters()) + list(head.parameters())
optimizer = torch.optim.SGD(params, lr=1e-3)


def activity_penalty(h):
    h = h.to(torch.float16)
    return (h ** 2).mean().float()  # BAD op=pow phase=forward step=37


for step in range(60):
    xb, yb = x[8 * step:8 * step + 8], y[8 * step:8 * step + 8]
    hidden = body(xb)
    loss = nn.functional.l1_loss(head(hidden), yb) + 1e-3 * activity_penalty(hidden)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if not torch.isfinite(loss):
        print(f"step {step}: loss is {loss.item()}, stopping")
        break
