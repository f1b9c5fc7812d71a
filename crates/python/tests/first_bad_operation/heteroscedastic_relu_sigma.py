"""Mean and sigma from one network; relu lets sigma be exactly zero."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(24)
torch.set_num_threads(1)


class MeanSigma(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        h = F.leaky_relu(self.hidden(x))
        mean, sigma = self.out(h).unbind(-1)
        return mean, F.relu(sigma)


x = torch.randn(64, 2)
y = x[:, 0] + 0.1 * torch.randn(64)

model = MeanSigma()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(5):
    mean, sigma = model(x)
    precision = 1.0 / sigma  # BAD op=div|reciprocal|rdiv|rtruediv phase=forward step=0
    loss = (0.5 * ((y - mean) * precision) ** 2 + torch.log(sigma + 1e-6)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("epoch", epoch, "loss", loss.item())
