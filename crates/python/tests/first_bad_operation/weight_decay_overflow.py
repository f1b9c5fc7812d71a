"""AdamW with a decay of 1e5 instead of 1e-5: each update multiplies the weights by about -1000."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(73)
torch.set_num_threads(1)

x = torch.randn(320, 8)
y = (x[:, 0] > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=16)

model = nn.Linear(8, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e5)

for i, (xb, yb) in enumerate(loader):
    loss = nn.functional.cross_entropy(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # BAD op=update phase=update step=12
    print(i, loss.item())

model.eval()
with torch.no_grad():
    accuracy = (model(x).argmax(1) == y).float().mean()
print(f"accuracy {accuracy.item():.3f}")
