"""Poisson regression in double precision, gradient descent with a step that is too long."""
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(21)
torch.set_num_threads(1)

X = torch.cat([torch.ones(200, 1), torch.rand(200, 2) * 10], dim=1)
rate = torch.exp(X @ torch.tensor([0.1, 0.2, 0.1]))
y = torch.poisson(rate)

beta = torch.zeros(3, requires_grad=True)

for it in range(8):
    eta = X @ beta
    mu = torch.exp(eta)  # BAD op=exp phase=forward step=1
    nll = (mu - y * eta).mean()
    (grad,) = torch.autograd.grad(nll, beta)
    with torch.no_grad():
        beta -= 2.0 * grad
    print(it, nll.item(), beta.tolist())

with torch.no_grad():
    fitted = torch.exp(X @ beta)
    print("mean of the fit", fitted.mean().item(), "mean of the data", y.mean().item())
