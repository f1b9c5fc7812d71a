"""A CNN with a gamma correction in front; noise makes some pixels negative."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(40)
torch.set_num_threads(1)


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, 3, padding=1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(8 * 4 * 4, 2)

    def forward(self, image):
        x = image ** (1 / 2.2)  # BAD op=pow phase=forward step=40
        x = F.max_pool2d(F.relu(self.bn(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(self.drop(x.flatten(1)))


model = SmallCNN()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for _ in range(20):
        images = torch.rand(8, 1, 16, 16)
        labels = (images[:, 0, :8].mean((1, 2)) > images[:, 0, 8:].mean((1, 2))).long()
        if epoch == 2:
            images = images + 0.05 * torch.randn_like(images)  # augmentation from the third epoch on
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
