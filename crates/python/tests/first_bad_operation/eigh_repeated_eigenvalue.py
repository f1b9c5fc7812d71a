"""Whitening by eigh: equal eigenvalues have no derivative of their vectors."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(23)


class Whiten(nn.Module):
    def forward(self, x):
        covariance = x.T @ x / len(x)
        values, vectors = torch.linalg.eigh(covariance)  # BAD op=eigh|linalg_eigh phase=backward step=24
        return x @ vectors / torch.sqrt(values + 1e-3)


encoder = nn.Sequential(nn.Linear(4, 4, bias=False), Whiten())
head = nn.Linear(4, 1)
optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=1e-3)
for step in range(40):
    x = torch.randn(32, 4)
    if step == 24:
        x = x * 0
    loss = nn.functional.mse_loss(head(encoder(x)), torch.ones(32, 1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 8 == 0:
        print(step, loss.item())
