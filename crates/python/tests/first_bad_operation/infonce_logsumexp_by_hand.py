"""Contrastive pretraining with a hand-written log-sum-exp and a very low temperature."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(16)
torch.set_num_threads(1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(12, 32), nn.Linear(32, 16)])

    def forward(self, x):
        x = torch.relu(self.layers[0](x))
        return F.normalize(self.layers[1](x), dim=-1)


def contrastive_loss(a, b, temperature=0.005):
    logits = a @ b.T / temperature
    positive = logits.diagonal()
    log_z = torch.log(torch.exp(logits).sum(dim=1))  # BAD op=exp phase=forward step=0
    return (log_z - positive).mean()


encoder = Encoder()
optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3, weight_decay=0.01)
for step in range(6):
    x = torch.randn(64, 12)
    view1 = x + 0.05 * torch.randn_like(x)
    view2 = x + 0.05 * torch.randn_like(x)
    loss = contrastive_loss(encoder(view1), encoder(view2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}: {loss.item()}")
