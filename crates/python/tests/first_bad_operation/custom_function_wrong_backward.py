"""A custom autograd function: forward is safe at zero, backward forgot the epsilon."""
import torch
from torch import nn

torch.manual_seed(59)
torch.set_num_threads(1)


class SafeUnit(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        length = x.pow(2).sum(-1, keepdim=True).sqrt()
        ctx.save_for_backward(x, length)
        return x / (length + 1e-6)

    @staticmethod
    def backward(ctx, grad):
        x, length = ctx.saved_tensors
        unit = x / length  # BAD op=div|SafeUnit phase=backward step=37
        return (grad - unit * (grad * unit).sum(-1, keepdim=True)) / (length + 1e-6)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 4, bias=False)
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        unit = SafeUnit.apply(self.fc(x))  # BAD op=SafeUnit|apply phase=backward step=37
        return self.head(unit)


x = torch.randn(420, 6)
y = torch.sin(x[:, :1])
x[377] = 0.0
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(42):
    loss = nn.functional.mse_loss(net(x[step * 10:step * 10 + 10]), y[step * 10:step * 10 + 10])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 6 == 0:
        print(step, loss.item())
print("last loss", loss.item())
