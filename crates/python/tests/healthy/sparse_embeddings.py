"""A word2vec-like model with sparse gradients: SparseAdam and negative sampling."""

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(22)

words, topics = 200, 10


class SkipGram(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.center = nn.Embedding(words, dim, sparse=True)
        self.context = nn.Embedding(words, dim, sparse=True)
        nn.init.uniform_(self.center.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.context.weight)

    def forward(self, c, o, negatives):
        v = self.center(c)
        positive = (v * self.context(o)).sum(-1)
        negative = torch.einsum("bd,bkd->bk", v, self.context(negatives))
        return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(-1)).mean()


model = SkipGram()
optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=0.02)
per_topic = words // topics
for step in range(600):
    topic = torch.randint(0, topics, (128,))
    c = topic * per_topic + torch.randint(0, per_topic, (128,))
    o = topic * per_topic + torch.randint(0, per_topic, (128,))
    loss = model(c, o, torch.randint(0, words, (128, 4)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, round(loss.item(), 4))
