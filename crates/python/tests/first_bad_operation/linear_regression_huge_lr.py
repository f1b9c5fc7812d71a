"""Linear regression on unscaled inputs with a learning rate that is far too high."""
import torch
from torch import nn

torch.manual_seed(10)
torch.set_num_threads(1)

x = torch.rand(64, 3) * 100
y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3.0

model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
criterion = nn.MSELoss()

for step in range(30):
    optimizer.zero_grad()
    output = model(x)
    loss = criterion(output, y)  # BAD op=mse_loss phase=forward step=8
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item()}")

weight, bias = model.weight.detach(), model.bias.detach()
print("weight", weight.tolist())
print("bias", bias.item())
