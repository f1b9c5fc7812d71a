"""A small CNN with batch norm that tells squares, crosses and rings apart."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
torch.manual_seed(2)


class Shapes(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        grid = torch.arange(16)
        self.images, self.labels = [], []
        for _ in range(n):
            label = int(torch.randint(0, 3, (1,), generator=g))
            cy, cx = torch.randint(5, 11, (2,), generator=g)
            dy, dx = (grid - cy).abs()[:, None], (grid - cx).abs()[None, :]
            if label == 0:
                image = (torch.maximum(dy, dx) <= 3).float()
            elif label == 1:
                image = ((dy <= 1) & (dx <= 4) | (dx <= 1) & (dy <= 4)).float()
            else:
                r = (dy**2 + dx**2).float().sqrt()
                image = ((r >= 2) & (r <= 4)).float()
            self.images.append((image + 0.2 * torch.randn(16, 16, generator=g))[None])
            self.labels.append(label)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(16 * 4 * 4, 3)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        x = self.pool(torch.relu(self.bn2(self.conv2(x))))
        return self.fc(x.flatten(1))


train, test = DataLoader(Shapes(800, 0), batch_size=32, shuffle=True), DataLoader(Shapes(200, 1), batch_size=100)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    net.train()
    for images, labels in train:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
    scheduler.step()
    net.eval()
    with torch.no_grad():
        correct = sum((net(images).argmax(1) == labels).sum().item() for images, labels in test)
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {correct / 200:.3f}")
