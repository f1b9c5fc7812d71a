"""Mean pooling of graphs with index_add: a graph without a node divides zero by zero."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(9)


def scatter_mean(values, index, size):
    total = values.new_zeros(size, values.shape[1]).index_add(0, index, values)
    count = values.new_zeros(size).index_add(0, index, torch.ones(len(index)))
    return total / count[:, None]  # BAD op=div phase=forward step=28


class GraphNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.node = nn.Sequential(nn.Linear(4, 16), nn.ReLU())
        self.out = nn.Linear(16, 1)

    def forward(self, nodes, graph, size):
        return self.out(scatter_mean(self.node(nodes), graph, size)).squeeze(1)


model = GraphNet()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(50):
    sizes = torch.randint(1, 6, (12,))
    if step == 28:
        sizes[4] = 0
    graph = torch.repeat_interleave(torch.arange(12), sizes)
    nodes = torch.randn(len(graph), 4)
    target = torch.zeros(12).index_add(0, graph, nodes[:, 0]) / sizes.clamp(min=1)
    loss = nn.functional.mse_loss(model(nodes, graph, 12), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
