"""GAN with hand-written log losses; the discriminator saturates on the unscaled data."""
import torch
from torch import nn

torch.manual_seed(42)
torch.set_num_threads(1)

G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
D = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Sigmoid())
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))

real_data = torch.randn(256, 2) * 20000.0

for step in range(4):
    real = real_data[step * 64:(step + 1) * 64]
    fake = G(torch.randn(64, 4))

    loss_real = -torch.log(D(real)).mean()  # BAD op=log phase=forward step=0
    loss_fake = -torch.log(1 - D(fake.detach())).mean()
    loss_d = loss_real + loss_fake
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = -torch.log(D(fake)).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    print(f"step {step} D {loss_d.item():.3f} G {loss_g.item():.3f}")
