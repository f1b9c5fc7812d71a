"""torch's own Poisson loss on log rates; the learning rate makes a log rate too large for exp."""
import torch
from torch import nn

torch.manual_seed(37)
torch.set_num_threads(1)

x = torch.rand(128, 3) * 20
y = torch.poisson(x.sum(1, keepdim=True))

model = nn.Linear(3, 1)
with torch.no_grad():
    model.weight.fill_(0.01)
    model.bias.zero_()
criterion = nn.PoissonNLLLoss(log_input=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

for epoch in range(6):
    optimizer.zero_grad()
    log_rate = model(x)
    loss = criterion(log_rate, y)  # BAD op=poisson_nll_loss phase=forward step=1
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch}: {loss.item()}")

print("weights", model.weight.detach().tolist())
