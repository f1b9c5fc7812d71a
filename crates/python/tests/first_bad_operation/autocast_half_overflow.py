"""Half precision under autocast: a scale that float32 takes easily is infinite as float16."""
import torch
from torch import nn

torch.manual_seed(0)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head, self.scale = nn.Linear(4, 8), nn.Linear(8, 1), 1.0

    def forward(self, x):
        hidden = self.embed(x) * self.scale  # BAD op=mul phase=forward step=3
        return self.head(hidden)


model = Scaled()
optimizer = torch.optim.SGD(model.parameters(), 0.01)
for step in range(6):
    model.scale = 1e6 if step == 3 else 1.0
    with torch.autocast("cpu", torch.float16):
        loss = model(torch.randn(8, 4)).float().square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
