"""WGAN with gradient penalty; the critic is flat at some points, and the norm of a zero gradient has no slope."""
import torch
from torch import nn

torch.manual_seed(60)
torch.set_num_threads(1)

critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))


def gradient_penalty(real, fake):
    mix = torch.rand(real.size(0), 1)
    point = (mix * real + (1 - mix) * fake).requires_grad_()
    (grad,) = torch.autograd.grad(critic(point).sum(), point, create_graph=True)
    norm = (grad ** 2).sum(dim=1).sqrt()  # BAD op=sqrt phase=backward step=30
    return ((norm - 1) ** 2).mean()


for step in range(34):
    real = torch.randn(24, 2) + 2.0
    fake = torch.randn(24, 2)
    if step == 30:
        with torch.no_grad():
            critic[0].bias.fill_(-1e4)  # a reset with the wrong sign and size
    loss = critic(fake).mean() - critic(real).mean() + 10 * gradient_penalty(real, fake)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(loss.item(), 4))
