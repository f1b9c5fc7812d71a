"""VAE on toy vectors; the encoder's log variance is not bounded."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
torch.set_num_threads(1)


class VAE(nn.Module):
    def __init__(self, d=20, z=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(d, 32), nn.ReLU())
        self.mu = nn.Linear(32, z)
        self.logvar = nn.Linear(32, z)
        self.decoder = nn.Sequential(nn.Linear(z, 32), nn.ReLU(), nn.Linear(32, d))

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        std = (0.5 * logvar).clamp(max=10.0).exp()
        z = mu + std * torch.randn_like(std)
        return self.decoder(z), mu, logvar


def elbo(recon, x, mu, logvar):
    rec = (recon - x).abs().sum(1).mean()
    kl = -0.5 * (1 + logvar - mu ** 2 - torch.exp(logvar)).sum(1).mean()  # BAD op=exp phase=forward step=75
    return rec + 0.1 * kl


x = torch.randn(1000, 20)
x[808:812] = 30000.0 * torch.randn(4, 20)
loader = DataLoader(TensorDataset(x), batch_size=10, shuffle=False, drop_last=True)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for i, (xb,) in enumerate(loader):
    if i < 5:
        continue  # the first rows are kept for validation
    recon, mu, logvar = model(xb)
    loss = elbo(recon, xb, mu, logvar)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 20 == 0:
        print(i, round(loss.item(), 3))
print("last loss", loss.item())
