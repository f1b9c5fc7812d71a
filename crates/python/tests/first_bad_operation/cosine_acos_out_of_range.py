"""Embeddings trained with an angular distance; near duplicates give a cosine a little above one."""
import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

net = nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.Linear(32, 16))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)


def angle(a, b):
    a = a / a.norm(dim=1, keepdim=True)
    b = b / b.norm(dim=1, keepdim=True)
    cosine = (a * b).sum(dim=1)
    return torch.acos(cosine)  # BAD op=acos|arccos phase=forward step=40


for step in range(45):
    anchor = torch.randn(512, 10)
    positive = anchor + 0.3 * torch.randn(512, 10)
    negative = torch.randn(512, 10)
    if step == 40:
        positive = anchor.clone()
    e_anchor, e_positive, e_negative = net(anchor), net(positive), net(negative)
    loss = (0.2 + angle(e_anchor, e_positive) - angle(e_anchor, e_negative)).clamp(min=0).mean()
    if torch.isnan(loss):
        raise ValueError(f"loss is nan at step {step}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
