"""Training is healthy; the R2 score of the second validation set divides by a zero variance."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(33)
torch.set_num_threads(1)

x = torch.randn(300, 4)
y = x @ torch.tensor([1.0, 0.0, -1.0, 2.0])
train_loader = DataLoader(TensorDataset(x[:240], y[:240]), batch_size=8)
valid_sets = {"recent": (x[240:], y[240:]), "holiday": (x[240:260], torch.full((20,), 3.0))}

model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def r2_score(pred, target):
    ss_res = ((target - pred) ** 2).sum()
    ss_tot = ((target - target.mean()) ** 2).sum()
    return 1 - ss_res / ss_tot  # BAD op=div phase=forward step=30


for epoch in range(2):
    model.train()
    for xb, yb in train_loader:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    score = torch.zeros(())
    with torch.no_grad():
        for name, (xv, yv) in valid_sets.items():
            r2 = r2_score(model(xv), yv)
            print(f"{name}: {r2.item():.4f}")
            score = score + r2
    print(f"epoch {epoch} train {loss.item():.4f} r2 {score.item() / 2:.4f}")
    if not torch.isfinite(score):
        raise ValueError("the validation score is not finite")
