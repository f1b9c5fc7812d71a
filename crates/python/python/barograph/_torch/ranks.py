"""What a rank of a distributed run tells besides: a checksum of its weights, and the time that it needs by itself.

Nothing in here communicates. Of weights that are spread over the ranks, a rank looks at its own part.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING

import torch

from barograph import _ranks

from .budget import BARE

if TYPE_CHECKING:
    from .layers import Layers
    from .parameters import Parameters
    from .readings import Readings

REPLICATED, SHARDED, NONE = "replicated", "sharded", "none"
"""What keeps ranks together: equal weights whose gradients are averaged; each holds a part of the weights; nothing known."""

COLLECTIVES = (
    "all_gather", "all_gather_into_tensor", "all_gather_object", "all_reduce", "all_to_all", "all_to_all_single", "barrier",
    "broadcast", "broadcast_object_list", "gather", "monitored_barrier", "recv", "reduce", "reduce_scatter",
    "reduce_scatter_tensor", "scatter",
)  # fmt: skip
"""Functions of torch.distributed that wait for other ranks."""

_CHUNK = 1 << 22
"""Elements that are hashed at once on an accelerator (our choice: 32 MB of products)."""


class RankReadings:
    """One rank's account of its steps."""

    def __init__(self, rank: _ranks.Rank, readings: Readings, layers: Layers) -> None:
        self._readings, self._layers = readings, layers
        self._parallel: str | None = None
        self._forward_waits = False
        self._checked = False
        self._waited = 0.0
        self._wait: tuple[float, float] | None = None
        self._in_forward = False
        readings.fact("rank", float(rank.number), "measured")
        readings.fact("world_size", float(rank.world), "measured")

    # --- time

    def enter_forward(self, spent: float) -> None:
        """A model is called. `spent` are the seconds of supervision in this step so far."""
        if self._forward_waits:
            self._in_forward = True
            self.begin_wait(spent)

    def leave_forward(self, spent: float) -> None:
        if self._in_forward:
            self._in_forward = False
            self.end_wait(spent)

    def enter_backward(self, spent: float) -> None:
        if self._parallel != NONE:
            self.begin_wait(spent)

    def begin_wait(self, spent: float) -> bool:
        """The rank may have to wait for others from now on. Returns whether that is new."""
        if self._wait is not None:
            return False
        self._wait = (perf_counter(), spent)
        return True

    def end_wait(self, spent: float) -> None:
        if self._wait is not None:
            began, before = self._wait
            self._wait = None
            self._waited += max(0.0, perf_counter() - began - (spent - before))

    def end_step(self, seconds: float, level: int) -> None:
        """Ends a step that took so many seconds, supervision left out."""
        if self._parallel is not None and not (self._forward_waits and level == BARE):
            self._readings.scalar("step_seconds", max(0.0, seconds - self._waited))
        self._waited, self._wait, self._in_forward, self._checked = 0.0, None, False, False

    # --- weights

    def see_weights(self, parameters: Parameters) -> None:
        """Takes the checksum of the weights as the step found them, once a step, where it is due."""
        if self._checked or not self._readings.units_due:
            return
        self._checked = True
        self._learn(parameters.tensors())
        if self._parallel == SHARDED:
            return
        checksum = self._checksum([tensor for _, tensor in sorted(parameters.named(), key=lambda named: named[0])])
        if checksum is not None:
            self._readings.scalar("weights_checksum", float(checksum))

    def _learn(self, tensors: list[torch.Tensor]) -> None:
        """Finds out what keeps the ranks together."""
        roots = [module for module in (root() for root in self._layers.roots) if module is not None]
        modules = [part for root in roots for part in root.modules()]
        averaged = [part for part in modules if type(part).__name__ == "DistributedDataParallel"]
        if any(map(is_sharded, tensors)) or any(map(_shards, modules)):
            parallel = SHARDED
        else:
            parallel = REPLICATED if averaged else NONE
        # Buffers are sent around before the forward pass.
        self._forward_waits = parallel == SHARDED or any(
            getattr(part, "broadcast_buffers", True) and next(part.buffers(), None) is not None for part in averaged
        )
        if parallel != self._parallel:
            self._parallel = parallel
            self._readings.fact("parallel", parallel)

    def _checksum(self, tensors: list[torch.Tensor]) -> int | None:
        if all(tensor.is_cpu for tensor in tensors):
            return self._readings.session.checksum(tensors)
        return checksum_on_device(tensors)


def checksum_on_device(tensors: Iterable[torch.Tensor]) -> int | None:
    """A checksum of the bits of tensors, computed where they are; below 2^53. Another one than that of the CPU."""
    total = None
    number = 0
    for tensor in tensors:
        words = _words(tensor.detach())
        if words is None:
            return None
        for chunk in words.split(_CHUNK):
            keys = torch.arange(number, number + len(chunk), dtype=torch.int64, device=chunk.device)
            number += len(chunk)
            part = (chunk.to(torch.int64) * _mixed(keys)).sum()
            total = part if total is None else total.to(part.device) + part
    # Sums wrap around modulo 2^64, whose upper bits depend on all bits of all elements.
    return None if total is None else (int(total) % (1 << 64)) >> 11


def _words(tensor: torch.Tensor) -> torch.Tensor | None:
    """The elements of a dense tensor as integers of at most 32 bits."""
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int32}
    if tensor.layout != torch.strided or tensor.element_size() not in kinds or tensor.device.type == "meta":
        return None
    return tensor.contiguous().reshape(-1).view(kinds[tensor.element_size()])


def _mixed(keys: torch.Tensor) -> torch.Tensor:
    """An odd number without pattern for each key: the finalizer of splitmix64."""
    keys = (keys + 1) * -7046029254386353131
    keys = (keys ^ ((keys >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    keys = (keys ^ ((keys >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return (keys ^ ((keys >> 31) & 0x1FFFFFFFF)) | 1


def is_sharded(tensor: torch.Tensor) -> bool:
    """Whether a rank holds but a part of a weight, or one of its own by design."""
    placements = getattr(tensor, "placements", None)
    if placements is not None:
        return not all(placement.is_replicate() for placement in placements)
    return getattr(tensor, "_is_flat_param", False) or getattr(tensor, "tensor_model_parallel", False)


def _shards(module: torch.nn.Module) -> bool:
    return any(kind.__name__ in ("FullyShardedDataParallel", "FSDPModule") for kind in type(module).__mro__)


def communicates(module: torch.nn.Module) -> bool:
    """Whether the forward or backward pass of a model, apart from wrappers that average gradients, needs the other ranks."""
    parts = module.modules()
    return any(_shards(part) or isinstance(part, torch.nn.SyncBatchNorm) for part in parts) or any(
        map(is_sharded, module.parameters())
    )


def local(tensor: torch.Tensor) -> torch.Tensor:
    """The part of a tensor that this process holds: all of it, but for one that is spread over several."""
    to_local = getattr(tensor, "to_local", None)
    if to_local is None:
        return tensor
    with torch.no_grad():
        part: torch.Tensor = to_local()
        return part
