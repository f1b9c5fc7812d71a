"""Regression on the logits of a teacher's probabilities; one probability is exactly one."""
import torch
from torch import nn

torch.manual_seed(29)
torch.set_num_threads(1)


def soft_targets(prob):
    return torch.logit(prob)  # BAD op=logit phase=forward step=71


x = torch.randn(400, 6)
prob = torch.sigmoid(x[:, 0] - 0.5 * x[:, 3])
prob[355] = 1.0

model = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
model.train()
for step in range(80):
    xb, pb = x[step * 5:step * 5 + 5], prob[step * 5:step * 5 + 5]
    loss = nn.functional.huber_loss(model(xb).squeeze(-1), soft_targets(pb))
    if not torch.isfinite(loss):
        raise ValueError(f"non-finite loss {loss.item()} at step {step}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
