"""A batch norm written by hand meets the last batch of an epoch, which has one row; a loader with a worker."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(3)


class OwnBatchNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x):
        mean = x.mean(0)
        variance = x.var(0)  # BAD op=var phase=forward step=32
        return self.weight * (x - mean) / torch.sqrt(variance + 1e-5) + self.bias


def main():
    x = torch.randn(513, 6)
    y = x[:, :1] * x[:, 1:2]
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, num_workers=1)
    model = nn.Sequential(nn.Linear(6, 24), OwnBatchNorm(24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(2):
        for xb, yb in loader:
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
