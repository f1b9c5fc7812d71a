"""REINFORCE on a bandit with context, with an entropy bonus written by hand."""
import torch
from torch import nn

torch.manual_seed(15)
torch.set_num_threads(1)

ACTIONS = 6
policy = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, ACTIONS))
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
best = torch.randn(5, ACTIONS)


def observe(episode):
    state = torch.randn(32, 5)
    if episode == 66:
        state[11] = state[11] * 1e5  # the simulator blew up
    return state


for episode in range(75):
    state = observe(episode)
    probs = torch.softmax(policy(state), dim=-1)
    action = torch.multinomial(probs, 1)
    reward = (state @ best).gather(1, action).squeeze(1).clamp(-1, 1)
    log_prob = torch.log(probs.gather(1, action).squeeze(1))
    entropy = -(probs * probs.log()).sum(-1)  # BAD op=log phase=forward step=66
    advantage = reward - reward.mean()
    loss = -(log_prob * advantage).mean() - 0.01 * entropy.mean()
    if torch.isnan(loss):
        print("nan loss in episode", episode)
        break
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 15 == 0:
        print(episode, reward.mean().item())
