"""A potential 1/r^p, masked by torch.where where r is zero: the value is masked, its gradient is not."""
import torch

torch.manual_seed(52)
torch.set_num_threads(1)

strength = torch.tensor(1.0, requires_grad=True)
offset = torch.full((3,), 0.5, requires_grad=True)
optimizer = torch.optim.Adam([strength, offset], lr=0.01)


def potential(r):
    inverse = r.pow(-1.5)  # BAD op=pow phase=backward step=35
    energy = torch.where(r > 0, inverse, torch.zeros_like(r))
    return strength * energy


for step in range(40):
    coordinates = torch.rand(24, 3) + 0.2
    if step == 35:
        coordinates[7] = -offset.detach()  # this atom sits on the center
    r = (coordinates + offset).abs().sum(dim=1)
    target = 0.1 * torch.ones(24)
    loss = torch.nn.functional.mse_loss(potential(r), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), strength.item())
print("offset", offset.tolist())
