"""A data set takes a logarithm in its worker process; one measurement is zero."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
torch.manual_seed(30)


class Readings(Dataset):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.values = rng.uniform(0.5, 20, size=(320, 5)).astype(np.float32)
        self.values[139, 2] = 0.0

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        with np.errstate(divide="ignore"):
            features = np.log(self.values[i])  # BAD op=input phase=data step=17
        return torch.from_numpy(features), torch.tensor([self.values[i].sum() / 50])


def main():
    loader = DataLoader(Readings(), batch_size=8, num_workers=1)
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for x, y in loader:  # BAD op=input phase=data step=17
        prediction = model(x)  # BAD op=input phase=data step=17
        loss = nn.functional.mse_loss(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())


if __name__ == "__main__":
    main()
