"""Writes attention.json: what PyTorch's attention of one sequence to another gives, with a mask of the steps that only fill up.

Run it with any Python that has torch: `python attention.py`.
"""

import json
import pathlib

import torch

torch.manual_seed(3)
FEATURES, HEADS = 6, 2
layer = torch.nn.MultiheadAttention(FEATURES, HEADS, batch_first=True).double()
for weight in layer.parameters():
    torch.nn.init.normal_(weight, std=0.5)
queries = torch.randn(2, 3, FEATURES).double().requires_grad_()
memory = torch.randn(2, 5, FEATURES).double().requires_grad_()
mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
output, _ = layer(queries, memory, memory, key_padding_mask=mask == 0, need_weights=False)
factors = torch.randn_like(output)
of_queries, of_memory = torch.autograd.grad((output * factors).sum(), [queries, memory])
weights = {}
for place, name in enumerate(["query", "key", "value"]):
    part = slice(place * FEATURES, (place + 1) * FEATURES)
    weights[name] = [layer.in_proj_weight[part].T.flatten().tolist(), layer.in_proj_bias[part].tolist()]
weights["output"] = [layer.out_proj.weight.T.flatten().tolist(), layer.out_proj.bias.tolist()]
numbers = {
    "queries": queries, "memory": memory, "mask": mask.double(), "output": output, "factors": factors,
    "queries_gradient": of_queries, "memory_gradient": of_memory,
}
case = {"weights": weights} | {name: tensor.flatten().tolist() for name, tensor in numbers.items()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
