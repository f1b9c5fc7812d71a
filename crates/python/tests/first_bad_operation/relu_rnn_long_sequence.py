"""nn.RNN with relu over a long sequence, recurrent weights doubled: the state overflows."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(11)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(3, 24, nonlinearity="relu", batch_first=True)
        self.head = nn.Linear(24, 1)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(2.0 * torch.eye(24) + 0.1)

    def forward(self, x):
        states, last = self.rnn(x)  # BAD op=rnn_relu|RNN|rnn phase=forward step=0
        return self.head(last[0])


model = Counter()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for step in range(15):
    x = torch.rand(8, 150, 3)
    loss = nn.functional.mse_loss(model(x), x.sum((1, 2))[:, None])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(step, loss.item())
