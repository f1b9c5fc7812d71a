"""Two-task regression: the second head is trained only on the rows that have a second label."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_num_threads(1)


class TwoHeads(nn.Module):
    def __init__(self, d_in, d_hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d_in, d_hidden), nn.Tanh())
        self.main = nn.Linear(d_hidden, 1)
        self.extra = nn.Linear(d_hidden, 1)

    def forward(self, x):
        h = self.body(x)
        return self.main(h).squeeze(-1), self.extra(h).squeeze(-1)


X = torch.randn(800, 6)
Y1 = X.sum(1)
Y2 = X[:, 0] * X[:, 1]
has_second = torch.rand(800) < 0.4
has_second[520:540] = False

net = TwoHeads(6, 24)
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

batch = 20
for step in range(40):
    rows = slice(step * batch, (step + 1) * batch)
    a, b = net(X[rows])
    keep = has_second[rows]
    loss_main = F.mse_loss(a, Y1[rows])
    loss_extra = (b - Y2[rows])[keep].abs().mean()  # BAD op=mean phase=forward step=26
    loss = loss_main + 0.3 * loss_extra
    if torch.isnan(loss):
        print(f"step {step}: nan ({loss_main.item():.3f} from the main task)")
        break
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
