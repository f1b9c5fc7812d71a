"""Watches a loop from within its own code, and has the report as text and as data."""

import json

import torch
from torch import nn

import barograph

torch.manual_seed(0)
inputs = torch.randn(256, 4)
targets = inputs.sum(dim=1, keepdim=True)

model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

with barograph.watch(model, optimizer, name="sums", log=False) as run:
    for _ in range(300):
        loss = nn.functional.mse_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

print(run.report())
assert run.verdict == "healthy", run.findings
print("rules that were checked:", len(json.loads(run.report("json"))["checked"]))
