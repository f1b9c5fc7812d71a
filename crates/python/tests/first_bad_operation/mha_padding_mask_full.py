"""A sentence without a single word: all its keys are masked in nn.MultiheadAttention."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)


class Reader(nn.Module):
    def __init__(self, words=50, dim=16):
        super().__init__()
        self.embed = nn.Embedding(words, dim, padding_idx=0)
        self.attend = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.out = nn.Linear(dim, 2)

    def forward(self, tokens):
        pad = tokens == 0
        x = self.embed(tokens)
        mixed = self.attend(x, x, x, pad)[0]  # BAD op=softmax|multi_head_attention_forward phase=forward step=37
        keep = (~pad).unsqueeze(-1)
        pooled = (mixed * keep).sum(1) / keep.sum(1).clamp(min=1)
        return self.out(pooled)


def sentences(step):
    lengths = torch.randint(1, 9, (16,))
    if step == 37:
        lengths[5] = 0
    tokens = torch.randint(1, 50, (16, 8))
    tokens[torch.arange(8)[None] >= lengths[:, None]] = 0
    return tokens, (tokens[:, 0] > 25).long()


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(60):
    tokens, label = sentences(step)
    loss = nn.functional.cross_entropy(model(tokens), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
