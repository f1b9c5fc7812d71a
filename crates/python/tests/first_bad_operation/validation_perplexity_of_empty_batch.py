"""The training is fine; the validation takes the mean over an empty selection."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(21)

x = torch.randn(500, 4)
y = (x[:, 0] > 0).long()
x_val = torch.randn(60, 4)
group = torch.randint(0, 3, (60,))
y_val = (x_val[:, 0] > 0).long()
model = nn.Linear(4, 2)
criterion = nn.functional.cross_entropy
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for epoch in range(6):
    for i in range(0, 500, 25):
        loss = nn.functional.cross_entropy(model(x[i : i + 25]), y[i : i + 25])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        answers = model(x_val)
        for k in range(4):
            chosen = group == k
            part = criterion(answers[chosen], y_val[chosen])  # BAD op=cross_entropy phase=forward step=20
            print(epoch, k, part.item())
