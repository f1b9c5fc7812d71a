"""Off-policy policy gradient: the importance ratios of a whole trajectory are multiplied."""
import torch
from torch import nn

torch.manual_seed(30)
torch.set_num_threads(1)

policy = nn.Linear(4, 2)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)


def rollout(length):
    states = torch.randn(length, 4)
    actions = (states[:, 0] > 0).long()
    behaviour = torch.full((length,), 0.25)
    rewards = torch.rand(length)
    return states, actions, behaviour, rewards


for step in range(33):
    length = 10 if step < 30 else 2000
    states, actions, behaviour, rewards = rollout(length)
    probs = policy(states).softmax(-1).gather(1, actions[:, None]).squeeze(1)
    ratios = probs / behaviour
    weight = torch.prod(ratios.detach())  # BAD op=prod phase=forward step=30
    loss = -(weight.clamp(max=100.0) * probs.log() * (rewards - rewards.mean())).sum()
    loss = loss + 1e-3 * weight
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    print(step, length, loss.item())
