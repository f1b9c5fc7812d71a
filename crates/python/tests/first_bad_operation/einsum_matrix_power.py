"""A learned transition matrix is applied many times with einsum; its spectral radius is above one."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)


class Dynamics(nn.Module):
    def __init__(self, size=12):
        super().__init__()
        self.encode = nn.Linear(5, size)
        self.transition = nn.Parameter(torch.eye(size) + torch.randn(size, size))
        self.read = nn.Linear(size, 1)

    def forward(self, x, horizon):
        state = self.encode(x)
        for _ in range(horizon):
            state = torch.einsum("bi,ij->bj", state, self.transition)  # BAD op=einsum phase=forward step=0
        return self.read(state)


model = Dynamics()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(20):
    x = torch.randn(8, 5)
    loss = (model(x, horizon=120).squeeze(1) - x.sum(1)).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
