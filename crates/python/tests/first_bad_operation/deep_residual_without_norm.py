"""A deep residual stack without normalization overflows in its first forward pass."""
import torch
from torch import nn

torch.manual_seed(38)
torch.set_num_threads(1)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)
        nn.init.normal_(self.fc.weight, std=0.5)

    def forward(self, x):
        return x + torch.relu(self.fc(x))  # BAD op=linear|add phase=forward step=0


class DeepNet(nn.Module):
    def __init__(self, width=32, depth=120):
        super().__init__()
        self.stem = nn.Linear(8, width)
        self.blocks = nn.ModuleList([Residual(width) for _ in range(depth)])
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


x = torch.randn(16, 8)
y = torch.randint(0, 3, (16,))
model = DeepNet()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
for step in range(3):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
