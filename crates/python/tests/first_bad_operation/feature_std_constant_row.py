"""A diversity bonus: the spread of each row of features, by var and sqrt."""
import torch
from torch import nn

torch.manual_seed(57)
torch.set_num_threads(1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(7, 12)
        self.out = nn.Linear(12, 1)

    def forward(self, x):
        h = torch.tanh(self.lin(x))
        return self.out(h), h


def spread(h):
    return h.var(dim=1).sqrt().mean()  # BAD op=sqrt phase=backward step=47


x = torch.randn(480, 7)
y = x[:, 0:1].abs()
encoder = Encoder()
with torch.no_grad():
    encoder.lin.weight.abs_()
x[384 - 5] = 500.0  # every unit is saturated for this row

optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3)
step = 0
for epoch in range(2):
    for xb, yb in zip(x.split(8), y.split(8)):
        prediction, hidden = encoder(xb)
        loss = nn.functional.mse_loss(prediction, yb) - 0.01 * spread(hidden)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
    print(epoch, step, loss.item())
    if torch.isnan(loss):
        break
print("last loss", loss.item())
