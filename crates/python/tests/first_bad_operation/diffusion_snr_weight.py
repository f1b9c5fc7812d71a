"""Denoising with a signal-to-noise weight; at time zero there is no noise to divide by."""
import torch
from torch import nn

torch.manual_seed(41)
torch.set_num_threads(1)

T = 400
alpha_bar = 1.0 - torch.arange(T) / T
denoiser = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-3)
times = torch.randint(1, T, (60, 16))
times[42, 9] = 0


def training_loss(x0, t):
    signal = alpha_bar[t].unsqueeze(1)
    noise_level = 1.0 - signal
    noise = torch.randn_like(x0)
    xt = signal.sqrt() * x0 + noise_level.sqrt() * noise
    predicted = denoiser(torch.cat([xt, t.unsqueeze(1) / T], dim=1))
    weight = signal / noise_level  # BAD op=div phase=forward step=42
    return (weight.clamp(max=5.0).log1p() * (predicted - noise) ** 2).mean() + 1e-4 * weight.mean()


for step, t in enumerate(times):
    x0 = torch.randn(16, 2).sign() + 0.1 * torch.randn(16, 2)
    loss = training_loss(x0, t)
    if torch.isinf(loss) or torch.isnan(loss):
        print(f"loss became {loss.item()} at step {step}")
        break
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
