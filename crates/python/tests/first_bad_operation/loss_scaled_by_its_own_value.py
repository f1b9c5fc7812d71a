"""Two losses are balanced by dividing each by its own value; a hinge loss reaches exactly zero."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(18)

side = torch.randint(0, 2, (256,)) * 2.0 - 1
x = side[:, None] * torch.tensor([1.5, -1.5, 1.0]) + 0.3 * torch.randn(256, 3)
model = nn.Sequential(nn.Linear(3, 16), nn.Tanh())
classify, rebuild = nn.Linear(16, 1), nn.Linear(16, 3)
everything = [*model.parameters(), *classify.parameters(), *rebuild.parameters()]
optimizer = torch.optim.Adam(everything, lr=1e-3)
for step in range(600):
    code = model(x)
    hinge = (1 - side * classify(code).squeeze(1)).clamp(min=0).mean()
    error = nn.functional.mse_loss(rebuild(code), x)
    loss = hinge / hinge.detach() + error / error.detach()  # BAD op=div phase=forward step=110
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, hinge.item(), error.item())
