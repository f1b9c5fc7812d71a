"""A learning rate range test that never stops: the update itself overflows, with finite gradients."""
import torch
from torch import nn

torch.manual_seed(72)
torch.set_num_threads(1)

x = torch.rand(200, 6) * 10
y = (torch.rand(200, 1) < 0.5).float()
model = nn.Linear(6, 1)
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=3e-10)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=10_000.0)

for step in range(15):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    if not torch.isfinite(loss):
        print("diverged at step", step)
        break
    loss.backward()
    lr = optimizer.param_groups[0]["lr"]
    optimizer.step()  # BAD op=update phase=update step=12
    scheduler.step()
    print(f"{step} lr {lr:.1e} loss {loss.item():.4g} weight {model.weight.abs().max().item():.3g}")

model.eval()
with torch.no_grad():
    accuracy = ((model(x) > 0).float() == y).float().mean()
print("accuracy", accuracy.item())
