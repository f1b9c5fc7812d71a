"""Stress of a low-dimensional map: the diagonal of the distance matrix is zero."""
import torch

torch.manual_seed(58)
torch.set_num_threads(1)

high = torch.randn(30, 10)
wanted = torch.cdist(high, high)
low = torch.randn(30, 2, requires_grad=True)
optimizer = torch.optim.SGD([low], lr=0.05)

for step in range(5):
    diff = low[:, None, :] - low[None, :, :]
    actual = (diff ** 2).sum(-1).sqrt()  # BAD op=sqrt phase=backward step=0
    stress = ((actual - wanted) ** 2).mean()
    optimizer.zero_grad()
    stress.backward()
    optimizer.step()
    print(step, stress.item(), low[0].tolist())

if not torch.isfinite(low).all():
    print("the map has collapsed:", int(torch.isnan(low).sum()), "coordinates are nan")
else:
    spread = low.detach().std(dim=0)
    print("spread", spread.tolist())
