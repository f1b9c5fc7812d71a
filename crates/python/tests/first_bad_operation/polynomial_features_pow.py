"""Polynomial regression: the features are powers of one input."""
import torch

torch.manual_seed(9)
torch.set_num_threads(1)

DEGREE = 12
powers = torch.arange(DEGREE + 1, dtype=torch.float32)
coef = torch.zeros(DEGREE + 1, requires_grad=True)
optimizer = torch.optim.Adagrad([coef], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.5)

inputs = torch.rand(640) * 2 - 1
inputs[333] = 4096.0
targets = torch.sin(3 * inputs)

for step, (x, y) in enumerate(zip(inputs.split(16), targets.split(16))):
    features = torch.pow(x[:, None], powers)  # BAD op=pow phase=forward step=20
    prediction = features @ coef
    loss = (prediction - y).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if not torch.isfinite(loss):
        print("stopped at", step, "with loss", loss.item())
        break
    print(step, f"{loss.item():.4f}")
