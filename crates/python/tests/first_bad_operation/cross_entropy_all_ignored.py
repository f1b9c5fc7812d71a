"""Token classification; in one batch every label is the ignore index."""
import torch
from torch import nn

torch.manual_seed(34)
torch.set_num_threads(1)

IGNORE = -100
tokens = torch.randint(0, 30, (400, 6))
labels = tokens % 3
labels[torch.rand(400, 6) < 0.5] = IGNORE
labels[232:240] = IGNORE


class TokenClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.encoder = nn.TransformerEncoderLayer(16, nhead=2, dim_feedforward=32, dropout=0.1, batch_first=True)
        self.classifier = nn.Linear(16, 3)

    def forward(self, ids):
        return self.classifier(self.encoder(self.embedding(ids)))


model = TokenClassifier()
criterion = nn.CrossEntropyLoss(ignore_index=IGNORE)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(34):
    ids, lab = tokens[step * 8:step * 8 + 8], labels[step * 8:step * 8 + 8]
    logits = model(ids)
    loss = criterion(logits.view(-1, 3), lab.view(-1))  # BAD op=cross_entropy phase=forward step=29
    if not torch.isfinite(loss):
        raise ValueError(f"Loss is {loss.item()} at step {step}, stopping training")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 4 == 0:
        print(step, loss.item())
