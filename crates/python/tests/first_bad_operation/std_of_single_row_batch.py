"""The last batch of the epoch holds one row, and its standard deviation is not defined."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
torch.set_num_threads(1)

x = torch.randn(401, 9)
y = x[:, :1] - x[:, 1:2]
loader = DataLoader(TensorDataset(x, y), batch_size=10, shuffle=True, generator=torch.Generator().manual_seed(5))


class Decorrelated(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(9, 6)
        self.decode = nn.Linear(6, 1)

    def forward(self, x):
        z = self.encode(x)
        spread = z.std(dim=0)  # BAD op=std phase=forward step=40
        return self.decode(z), spread


model = Decorrelated()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(2):
    for xb, yb in loader:
        out, spread = model(xb)
        loss = nn.functional.mse_loss(out, yb) + 0.1 * (1 - spread).relu().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
