"""A CSV file with an empty field, which numpy reads as NaN; the rows are shuffled."""
import io

import numpy as np
import torch
from torch import nn

torch.manual_seed(84)
torch.set_num_threads(1)

lines = [f"{i % 11},{i % 5},{(i * 7) % 13},{i % 11 - i % 5}" for i in range(240)]
lines[97] = "9,,6,7"
text = io.StringIO("\n".join(lines))
table = np.genfromtxt(text, delimiter=",", dtype=np.float32)  # BAD op=input phase=data step=17

inputs = torch.tensor(table[:, :3]) / 10  # BAD op=input phase=data step=17
outputs = torch.tensor(table[:, 3:]) / 10

model = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

order = torch.randperm(240, generator=torch.Generator().manual_seed(1))
for step, rows in enumerate(order.split(12)):
    batch = inputs[rows]  # BAD op=input phase=data step=17
    prediction = model(batch)  # BAD op=input phase=data step=17
    loss = nn.functional.l1_loss(prediction, outputs[rows])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    print(step, loss.item())
