"""Gradient clipping by hand: the factor is divided by the norm, and the norm of one batch is zero."""
import torch
from torch import nn

torch.manual_seed(76)
torch.set_num_threads(1)

model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
params = list(model.parameters())
LR, MAX_NORM = 0.05, 1.0


def sgd_step(grads):
    total = torch.sqrt(sum((g ** 2).sum() for g in grads))
    factor = MAX_NORM / total  # BAD op=update|div|reciprocal|rdiv|rtruediv phase=update step=32
    with torch.no_grad():
        for p, g in zip(params, grads):
            p.sub_(LR * g * factor)


for step in range(36):
    x = torch.randn(10, 3)
    y = x.mean(1, keepdim=True)
    sample_weight = torch.ones(10, 1)
    if step == 32:
        sample_weight.zero_()  # no row of this batch counts
    loss = (sample_weight * (model(x) - y) ** 2).mean()
    grads = torch.autograd.grad(loss, params)
    sgd_step(grads)
    print(step, loss.item())
