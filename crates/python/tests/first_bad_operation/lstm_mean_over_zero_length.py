"""LSTM over sequences of various lengths; the outputs are averaged over the true length, which may be 0."""
import torch
from torch import nn

torch.manual_seed(32)
torch.set_num_threads(1)


class SentenceClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(input_size=5, hidden_size=12, batch_first=True)
        self.fc = nn.Linear(12, 2)

    def forward(self, x, lengths):
        out, _ = self.lstm(x)
        mask = (torch.arange(x.size(1))[None, :] < lengths[:, None]).float()
        summed = (out * mask.unsqueeze(-1)).sum(dim=1)
        pooled = summed / lengths.unsqueeze(-1)  # BAD op=div phase=forward step=30
        return self.fc(pooled)


x = torch.randn(288, 7, 5)
lengths = torch.randint(1, 8, (288,))
labels = torch.randint(0, 2, (288,))
lengths[6 * 30 + 5] = 0

model = SentenceClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for i in range(48):
    sl = slice(i * 6, (i + 1) * 6)
    loss = nn.CrossEntropyLoss()(model(x[sl], lengths[sl]), labels[sl])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 8 == 0:
        print("iter", i, "loss", loss.item())
    if i == 33:
        break
