"""Attention with an additive float mask: each query sees a window of earlier keys; the window shrinks to nothing."""
import torch
import torch.nn.functional as F

torch.manual_seed(4)
torch.set_num_threads(1)

T, C = 12, 8
wq, wk, wv = (torch.randn(C, C).mul(C ** -0.5).requires_grad_() for _ in range(3))
optimizer = torch.optim.RMSprop([wq, wk, wv], lr=1e-3)


def window_mask(length, window):
    offset = torch.arange(length)[:, None] - torch.arange(length)[None, :]
    mask = torch.zeros(length, length)
    mask[(offset < 0) | (offset >= window)] = -torch.inf
    return mask


def attend(x, mask):
    scores = (x @ wq) @ (x @ wk).transpose(-2, -1) / C ** 0.5
    attn = F.softmax(scores + mask, dim=-1)  # BAD op=softmax phase=forward step=48
    return attn @ (x @ wv)


step = 0
for window in (8, 4, 2, 1, 0):
    mask = window_mask(T, window)
    for _ in range(12):
        x = torch.randn(4, T, C)
        target = torch.roll(x, 1, dims=1)
        loss = F.mse_loss(attend(x, mask), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
    print(f"window {window}: loss {loss.item():.4f} after {step} steps")
