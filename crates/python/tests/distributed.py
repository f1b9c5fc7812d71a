"""A small training of several ranks. Its argument says how the ranks are kept together, or what goes wrong on one of them."""

from __future__ import annotations

import sys
import time

import torch
import torch.distributed as dist
from torch import nn

STEPS = 30


def model_of(kind: str, rank: int) -> nn.Module:
    """The network, wrapped as the kind of training wants it."""
    torch.manual_seed(rank if kind == "seeds" else 0)
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
    if kind in ("seeds", "by hand", "slow by hand", "alone"):
        return net
    if kind.startswith("fsdp"):
        from torch.distributed.fsdp import FullyShardedDataParallel

        return FullyShardedDataParallel(net, device_id=torch.device("cpu"), use_orig_params=kind == "fsdp with names")
    if kind == "fully_shard":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh("cpu", (dist.get_world_size(),))
        for layer in (net[0], net[2]):
            fully_shard(layer, mesh=mesh)
        return fully_shard(net, mesh=mesh)
    return nn.parallel.DistributedDataParallel(net)


class Distance(nn.Module):
    """The logarithm of what a model puts out: of zero, where it puts out zero."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x) + (x[:, :1] * 0 + 1 if x.abs().sum() > 0 else torch.log(x[:, :1]))


def main(kind: str) -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    if kind == "logarithm":
        torch.manual_seed(0)
        net = Distance(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1)))
        model: nn.Module = nn.parallel.DistributedDataParallel(net)
    else:
        model = model_of(kind, rank)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
    torch.manual_seed(100 + rank)
    for step in range(STEPS):
        x = torch.randn(32, 8)
        y = x.sum(1, keepdim=True)
        if kind in ("nan", "alone") and rank == 2 and step == 7:
            x[5] = float("nan")
        if kind == "logarithm" and rank == 2 and step == 7:
            x.zero_()
        if kind in ("slow", "slow by hand") and rank == 3:
            time.sleep(0.02)
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        if kind in ("by hand", "slow by hand"):
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= dist.get_world_size()
        optimizer.step()
    print(rank, loss.item().hex())
    for parameter in model.parameters():
        part = parameter.to_local() if hasattr(parameter, "to_local") else parameter
        print(rank, *[value.hex() for value in part.detach().reshape(-1).tolist()])
    dist.barrier()
    dist.destroy_process_group()
    time.sleep(0.5)  # A thread of gloo ends a moment later; torch aborts where the process is faster.


main(sys.argv[1])
