"""Discrete survival model: log1p(-hazard) for the bins that were survived."""
import torch
from torch import nn

torch.manual_seed(28)
torch.set_num_threads(1)

BINS = 5
net = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, BINS), nn.Sigmoid())
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)


def survival_nll(hazard, bin_index, observed):
    survived = torch.arange(BINS)[None, :] < bin_index[:, None]
    log_survival = torch.log1p(-hazard)  # BAD op=log1p phase=forward step=50
    picked = hazard.gather(1, bin_index[:, None]).squeeze(1)
    log_event = observed * torch.log(picked + 1e-7)
    return -((log_survival * survived).sum(1) + log_event).mean()


age = torch.rand(660, 3) * 2 - 1
bins = torch.randint(0, BINS, (660,))
observed = (torch.rand(660) < 0.7).float()
age[603:605] *= torch.tensor([[1e6], [-1e6]])

step = 0
for start in range(0, 660, 12):
    stop = start + 12
    loss = survival_nll(net(age[start:stop]), bins[start:stop], observed[start:stop])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
print(step, "updates, last loss", loss.item())
