"""Fine-tuning: a pretrained body is frozen, only the new head learns, then the last block is unfrozen."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(21)


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.block1 = nn.Sequential(nn.Linear(12, 64), nn.ReLU())
        self.block2 = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        return self.head(self.block2(self.block1(x)))


def fit(model, x, y, epochs, lr):
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=lr)
    for epoch in range(epochs):
        for i in torch.randperm(len(x)).split(50):
            loss = nn.functional.cross_entropy(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, round(loss.item(), 4))


directions = torch.randn(12, 5)
x = torch.randn(2000, 12)
model = Net(5)
fit(model, x, (x @ directions).argmax(1), epochs=6, lr=3e-3)

for p in model.parameters():
    p.requires_grad = False
model.head = nn.Linear(64, 3)
x_new = torch.randn(1000, 12)
y_new = (x_new @ directions[:, :3]).argmax(1)
fit(model, x_new, y_new, epochs=8, lr=5e-3)
for p in model.block2.parameters():
    p.requires_grad = True
fit(model, x_new, y_new, epochs=4, lr=5e-4)
