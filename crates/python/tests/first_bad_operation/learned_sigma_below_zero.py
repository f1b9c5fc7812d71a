"""A noise level is learned without a constraint: it passes zero and its logarithm is taken."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(5)

x = torch.randn(256, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]])
net = nn.Linear(3, 1)
sigma = nn.Parameter(torch.tensor(1.0))
optimizer = torch.optim.Adam([*net.parameters(), sigma], lr=1e-2)


def likelihood(mean, value):
    def normalizer(scale):
        return torch.log(scale)  # BAD op=log phase=forward step=501

    return normalizer(sigma) + 0.5 * ((value - mean) / sigma) ** 2


for step in range(1000):
    optimizer.zero_grad()
    loss = likelihood(net(x), y).mean()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, loss.item(), sigma.item())
