"""Illegal moves are masked with -inf, and one recorded move is illegal."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(10)


class Policy(nn.Module):
    def __init__(self, actions=6):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, actions))

    def forward(self, state, legal):
        return self.net(state).masked_fill(~legal, float("-inf"))


rule = torch.randn(10, 6)
model = Policy()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for step in range(160):
    state = torch.randn(32, 10)
    legal = torch.rand(32, 6) < 0.7
    legal[:, 0] = True
    move = (state @ rule).masked_fill(~legal, -1e9).argmax(1)
    if step == 125:
        legal[9, move[9]] = False
    loss = criterion(model(state, legal), move)  # BAD op=cross_entropy|nll_loss phase=forward step=125
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, loss.item())
