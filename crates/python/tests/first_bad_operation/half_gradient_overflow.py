"""A half precision model with a fixed loss scale; the scaled gradient does not fit into float16."""
import torch
from torch import nn

torch.manual_seed(61)
torch.set_num_threads(1)

SCALE = 4096.0
x = torch.randn(560, 6)
y = 0.1 * x[:, :1]
y[14 * 32 + 3] = 900.0

model = nn.Linear(6, 1).half()
master = [p.detach().float().requires_grad_() for p in model.parameters()]
optimizer = torch.optim.SGD(master, lr=1e-2)

for step in range(38):
    xb, yb = x[step * 14:step * 14 + 14], y[step * 14:step * 14 + 14]
    output = model(xb.half()).float()  # BAD op=float|to phase=backward step=32
    loss = nn.functional.mse_loss(output, yb)
    model.zero_grad()
    (loss * SCALE).backward()
    for p32, p16 in zip(master, model.parameters()):
        p32.grad = p16.grad.float() / SCALE
    optimizer.step()
    with torch.no_grad():
        for p32, p16 in zip(master, model.parameters()):
            p16.copy_(p32)
    if step % 8 == 0:
        print(step, loss.item())
print("last loss", loss.item())
