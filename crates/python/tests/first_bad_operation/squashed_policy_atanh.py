"""Behaviour cloning of a tanh-squashed Gaussian policy; recorded actions may sit on the bound."""
import math

import torch
from torch import nn

torch.manual_seed(17)
torch.set_num_threads(1)


class GaussianPolicy(nn.Module):
    def __init__(self, obs, act):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs, 32), nn.Tanh())
        self.mean = nn.Linear(32, act)
        self.log_std = nn.Parameter(torch.zeros(act))

    def log_prob(self, obs, action):
        raw = torch.atanh(action)  # BAD op=atanh|arctanh phase=forward step=34
        mean = self.mean(self.trunk(obs))
        z = (raw - mean) / self.log_std.exp()
        normal = -0.5 * z ** 2 - self.log_std - 0.5 * math.log(2 * math.pi)
        return (normal - torch.log(1 - action ** 2 + 1e-6)).sum(-1)


obs = torch.randn(400, 5)
actions = torch.tanh(0.5 * obs[:, :2])
actions[345, 1] = 1.0

policy = GaussianPolicy(5, 2)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for step in range(40):
    idx = slice(10 * step, 10 * step + 10)
    loss = -policy.log_prob(obs[idx], actions[idx]).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 6 == 0:
        print(step, loss.item())
