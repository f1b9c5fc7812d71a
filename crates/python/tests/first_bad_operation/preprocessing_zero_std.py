"""The columns are standardized before training, and one of them is constant."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(82)
torch.set_num_threads(1)

raw = torch.randn(200, 5) * torch.tensor([1.0, 10.0, 0.0, 3.0, 0.1]) + 4.0
labels = (raw[:, 0] > 4.0).long()

mean = raw.mean(dim=0)
std = raw.std(dim=0)
x = (raw - mean) / std  # BAD op=div|input phase=data step=0

loader = DataLoader(TensorDataset(x, labels), batch_size=20, shuffle=True)
model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters())
criterion = nn.CrossEntropyLoss()

for epoch in range(2):
    for xb, yb in loader:  # BAD op=input phase=data step=0
        optimizer.zero_grad()
        logits = model(xb)  # BAD op=input phase=data step=0
        loss = criterion(logits, yb)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item()}")
