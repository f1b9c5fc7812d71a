"""A robust loss |e|^0.5 by pow; a prediction that is exactly right has no finite slope."""
import torch
from torch import nn

torch.manual_seed(51)
torch.set_num_threads(1)


class Gate(nn.Module):
    """Rows that are switched off give exactly zero."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 1)

    def forward(self, x, on):
        return self.fc(x).squeeze(1) * on


x = torch.randn(400, 5)
y = x[:, 0] * 2 + 1
on = torch.ones(400)
on[287] = 0.0
y[287] = 0.0

model = Gate()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(40):
    i = slice(step * 10, step * 10 + 10)
    error = (model(x[i], on[i]) - y[i]).abs()
    loss = error.pow(0.5).mean()  # BAD op=pow phase=backward step=28
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 6 == 0:
        print(f"{step}: {loss.item():.4f}")
