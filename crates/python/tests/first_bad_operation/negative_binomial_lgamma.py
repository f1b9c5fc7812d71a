"""Count regression with a negative binomial likelihood; missing counts are coded as -1."""
import torch
from torch import nn

torch.manual_seed(18)
torch.set_num_threads(1)

X = torch.randn(450, 4)
counts = torch.poisson(torch.exp(0.5 * X[:, 0] + 1.0))
counts[401] = -1.0

model = nn.Linear(4, 1)
log_r = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.Adam([*model.parameters(), log_r], lr=0.02)


def nb_nll(y, log_mu, r):
    mu = log_mu.exp()
    gamma_terms = torch.lgamma(y + r) - torch.lgamma(r) - torch.lgamma(y + 1.0)  # BAD op=lgamma phase=forward step=44
    return -(gamma_terms + r * torch.log(r / (r + mu)) + y * torch.log(mu / (r + mu))).mean()


for step in range(50):
    lo = step * 9
    log_mu = model(X[lo:lo + 9]).squeeze(-1)
    loss = nb_nll(counts[lo:lo + 9], log_mu, log_r.exp())
    if torch.isinf(loss):
        raise ValueError(f"infinite loss at step {step}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step}\t{loss.item():.5f}")
