"""Word similarity from an embedding table; the padding vector is zero and has no direction."""
import torch
from torch import nn

torch.manual_seed(26)
torch.set_num_threads(1)

table = nn.Embedding(50, 12, padding_idx=0)
optimizer = torch.optim.SGD(table.parameters(), lr=0.5)

left = torch.randint(1, 50, (600,))
right = torch.randint(1, 50, (600,))
similar = ((left % 5) == (right % 5)).float()
right[407] = 0


def cosine(a, b):
    dot = (a * b).sum(-1)
    norms = a.norm(dim=-1) * b.norm(dim=-1)
    return dot / norms  # BAD op=div phase=forward step=40


for step in range(45):
    i = step * 10
    u, v = table(left[i:i + 10]), table(right[i:i + 10])
    score = cosine(u, v)
    loss = ((score - similar[i:i + 10]) ** 2).mean()
    if loss != loss:
        print(f"nan at step {step}")
        break
    table.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
