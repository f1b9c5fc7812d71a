"""Speed regression: hypot of two predicted components, which are both zero for a stopped vehicle."""
import torch
from torch import nn

torch.manual_seed(55)
torch.set_num_threads(1)


class Speed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16, bias=False)
        self.fc2 = nn.Linear(16, 2, bias=False)

    def forward(self, wheel):
        vx, vy = self.fc2(torch.tanh(self.fc1(wheel))).unbind(dim=-1)
        return torch.hypot(vx, vy)  # BAD op=hypot phase=backward step=58


wheel = torch.randn(640, 2)
speed = wheel.norm(dim=1)
wheel[58 * 8 + 6] = 0.0

model = Speed()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(64):
    w, s = wheel[step * 8:step * 8 + 8], speed[step * 8:step * 8 + 8]
    loss = nn.functional.mse_loss(model(w), s)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
print("weights", model.fc2.weight.flatten()[:3])
