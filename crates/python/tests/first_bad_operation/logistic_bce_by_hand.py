"""Logistic regression from scratch: no module, no optimizer, binary cross entropy by hand."""
import numpy as np
import torch

rng = np.random.default_rng(14)
torch.set_num_threads(1)

x_np = rng.normal(size=(800, 4)).astype(np.float32)
y_np = (x_np.sum(axis=1) > 0).astype(np.float32)
x_np[610] = [5000.0, 5000.0, 5000.0, 5000.0]
y_np[610] = 0.0

x = torch.from_numpy(x_np)
y = torch.from_numpy(y_np)
w = torch.full((4,), 0.1, requires_grad=True)
b = torch.zeros((), requires_grad=True)
lr = 0.1

for step in range(80):
    xb, yb = x[step * 10:step * 10 + 10], y[step * 10:step * 10 + 10]
    p = torch.sigmoid(xb @ w + b)
    loss = -(yb * torch.log(p + 1e-12) + (1 - yb) * torch.log(1 - p)).mean()  # BAD op=log phase=forward step=61
    loss.backward()
    with torch.no_grad():
        w -= lr * w.grad
        b -= lr * b.grad
    w.grad = None
    b.grad = None
    if step % 20 == 0:
        print(step, loss.item())
print(w, b)
