"""Next-token model over padded sequences; the loss is averaged over the real tokens by hand."""
import torch
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)

VOCAB, LENGTH, BATCH = 20, 10, 4
PAD = 0

sequences = torch.randint(1, VOCAB, (240, LENGTH + 1))
lengths = torch.randint(3, LENGTH + 1, (240,))
lengths[140:144] = 0
for row, n in enumerate(lengths.tolist()):
    sequences[row, n:] = PAD


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 16, padding_idx=PAD)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.head = nn.Linear(24, VOCAB)

    def forward(self, tokens):
        out, _ = self.gru(self.embed(tokens))
        return self.head(out)


def sequence_loss(logits, target):
    mask = (target != PAD).float()
    nll = nn.functional.cross_entropy(logits.transpose(1, 2), target, reduction="none")
    return (nll * mask).sum() / mask.sum()  # BAD op=div phase=forward step=35


model = Tagger()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step, start in enumerate(range(0, 240, BATCH)):
    batch = sequences[start:start + BATCH]
    logits = model(batch[:, :-1])
    loss = sequence_loss(logits, batch[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 10 == 0 or step > 34:
        print(f"{step:3d} {loss.item():.3f}")
    if step == 38:
        break
