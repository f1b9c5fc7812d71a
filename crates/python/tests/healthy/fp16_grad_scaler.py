"""Mixed precision with a GradScaler: the scale starts too high, so the first steps are skipped; that is normal."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(15)

x = torch.randn(1500, 16)
y = (x @ torch.randn(16, 3) + 0.1 * torch.randn(1500, 3)).argmax(1)
model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24, growth_interval=200)
for epoch in range(10):
    for i in torch.randperm(1500).split(50):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.cross_entropy(model(x[i]), y[i])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
    print(epoch, round(loss.item(), 4), scaler.get_scale())
