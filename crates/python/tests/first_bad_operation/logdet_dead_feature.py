"""A coding-rate regularizer with the log determinant of the batch covariance."""
import torch
from torch import nn

torch.manual_seed(36)
torch.set_num_threads(1)

encoder = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
readout = nn.Linear(16, 1)
optimizer = torch.optim.Adam([*encoder.parameters(), *readout.parameters()], lr=1e-3)


def coding_rate(x):
    centered = x - x.mean(dim=0)
    cov = centered.T @ centered / (x.shape[0] - 1)
    return torch.logdet(cov)  # BAD op=logdet phase=forward step=45


for step in range(50):
    x = torch.randn(40, 6)
    y = x[:, :1].sin()
    if step == 45:
        x[:, 3] = 0.0  # this channel was switched off
    h = encoder(x)
    loss = nn.functional.mse_loss(readout(h), y) - 1e-3 * coding_rate(x + 0 * h.sum())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 9 == 0:
        print(f"{step} {loss.item():.5f}")
