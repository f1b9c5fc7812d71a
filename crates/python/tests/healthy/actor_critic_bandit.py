"""An actor-critic (A2C) on a contextual game: the policy loss goes both ways, the return rises."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(9)


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 64), nn.Tanh())
        self.policy, self.value = nn.Linear(64, 3), nn.Linear(64, 1)

    def forward(self, x):
        h = self.body(x)
        return Categorical(logits=self.policy(h)), self.value(h).squeeze(-1)


def reward_of(state, action):
    best = (state[:, :3] + torch.tensor([0.0, 0.1, -0.1])).argmax(1)
    return (action == best).float() + 0.05 * torch.randn(len(state))


net = ActorCritic()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
average = 0.0
for step in range(500):
    state = torch.randn(64, 4)
    dist, value = net(state)
    action = dist.sample()
    reward = reward_of(state, action)
    advantage = reward - value.detach()
    policy_loss = -(dist.log_prob(action) * advantage).mean()
    value_loss = nn.functional.mse_loss(value, reward)
    loss = policy_loss + 0.5 * value_loss - 0.01 * dist.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    optimizer.step()
    average = 0.95 * average + 0.05 * reward.mean().item()
    if step % 100 == 0:
        print(step, round(average, 3))
print("final", average)
