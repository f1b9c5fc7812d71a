"""Which loss a training minimizes, read off the autograd graph between the loss and the outputs of the model."""

from __future__ import annotations

from typing import Any, NamedTuple

_MOST_NODES = 200
"""Nodes of the graph that are looked at (our choice: a loss has a dozen)."""

_LIBRARY = {
    "MseLoss": ("mse", "real"),
    "L1Loss": ("mae", "real"),
    "SmoothL1Loss": ("huber", "real"),
    "HuberLoss": ("huber", "real"),
    "BinaryCrossEntropy": ("binary_cross_entropy", "probabilities"),
    "BinaryCrossEntropyWithLogits": ("binary_cross_entropy_logits", "logits"),
    "KlDiv": ("kl_divergence", "log_probabilities"),
    "CtcLoss": ("ctc", "log_probabilities"),
    "PoissonNllLoss": ("poisson_nll", "real"),
}
"""Losses that are one node of the graph: their name and what they take."""

_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div", "Neg"})
"""How the parts of a loss are put together, once each is a number."""

_OF_LAYERS = frozenset({"Addmm", "Mm", "Bmm", "Convolution", "Embedding", "NativeLayerNorm", "NativeBatchNorm", "Linear", "Lstm", "Gru"})
"""Nodes that a model has and a penalty on weights has not."""

_PICKS = frozenset({"Index", "Gather", "Select", "IndexSelect"})

_SUMS = frozenset({"Sum"})
_REDUCTIONS = ("none", "mean", "sum")


class LossFacts(NamedTuple):
    """The loss in Barograph's words; `None` where the graph does not tell."""

    name: str
    takes: str
    reduction: str | None
    several: bool = False
    """Whether it adds up parts that are different losses: then no measure of one tells how the whole goes."""


def read_loss(loss: Any, outputs: set[Any]) -> LossFacts:
    """What the graph behind `loss` says of it; `outputs` are the nodes that made the outputs of the model, where it ends."""
    objectives = [part for part in _parts(loss.grad_fn) if _is_objective(part, outputs)]
    found = [_read(part, outputs) for part in (objectives if len(objectives) > 1 else [loss.grad_fn])]
    if len({(part.name, part.takes) for part in found}) > 1:
        return LossFacts("custom", "unknown", None, several=True)
    return found[0]


def _parts(root: Any) -> list[Any]:
    """The nodes of the parts that a loss adds up."""
    parts: list[Any] = []
    queue = [root]
    while queue and len(parts) + len(queue) < _MOST_NODES:
        node = queue.pop(0)
        if node is not None and _name(node) in _ARITHMETIC:
            queue.extend(following for following, _ in node.next_functions)
        elif node is not None:
            parts.append(node)
    return parts


def _is_objective(part: Any, outputs: set[Any]) -> bool:
    """Whether a part of a loss depends on what the model computes, and not on its weights alone."""
    queue: list[Any] = [part]
    seen: set[Any] = set()
    while queue and len(seen) < _MOST_NODES:
        node = queue.pop(0)
        if node is None or node in seen:
            continue
        if node in outputs or _name(node) in _OF_LAYERS:
            return True
        seen.add(node)
        queue.extend(following for following, _ in node.next_functions)
    return False


def _name(node: Any) -> str:
    return type(node).__name__.split("Backward")[0]


def _read(root: Any, outputs: set[Any]) -> LossFacts:
    names, nodes = _walk(root, outputs)
    reduction = _reduction(names, nodes)
    if "NllLoss" in names or "NllLoss2D" in names:
        return _negative_log_likelihood(names, reduction)
    for name, (loss_name, takes) in _LIBRARY.items():
        if name in names:
            return LossFacts(loss_name, takes, reduction)
    if "LogSoftmax" in names or "Logsumexp" in names:
        return LossFacts("custom", "logits", reduction)
    if "Log" in names and _weighs_logarithms(root, outputs):
        return _written_with_log(names, reduction)
    return _written_with_differences(names, reduction)


def _weighs_logarithms(root: Any, outputs: set[Any]) -> bool:
    """Whether logarithms are picked or weighted by targets, as in a cross-entropy: `y * log(p)`, `log(p)[rows, y]` or `log(p[rows, y])`."""
    queue: list[tuple[Any, Any]] = [(root, None)]
    seen: set[Any] = set()
    while queue and len(seen) < _MOST_NODES:
        node, taker = queue.pop(0)
        if node is None or node in seen or node in outputs:
            continue
        seen.add(node)
        if _name(node) == "Log":
            given = [_name(following) for following, _ in node.next_functions if following is not None and following not in outputs]
            if any(name in _PICKS for name in given) or (taker is not None and _weighs(taker)):
                return True
        queue.extend((following, node) for following, _ in node.next_functions)
    return False


def _weighs(taker: Any) -> bool:
    """Whether a node picks from what it is given, or multiplies it by a tensor and not by a number."""
    if _name(taker) in _PICKS:
        return True
    factors = (getattr(taker, "_saved_self", None), getattr(taker, "_saved_other", None))
    return _name(taker) == "Mul" and any(factor is not None and factor.dim() > 0 for factor in factors)


def _walk(root: Any, outputs: set[Any]) -> tuple[list[str], dict[str, Any]]:
    """Names of the nodes, without their ending `Backward0`, from the loss towards the model; and one node of each name."""
    names: list[str] = []
    nodes: dict[str, Any] = {}
    queue, seen = [root], set()
    while queue and len(names) < _MOST_NODES:
        node = queue.pop(0)
        if node is None or node in seen or node in outputs:
            continue
        seen.add(node)
        name = _name(node)
        if name == "AccumulateGrad":
            continue
        names.append(name)
        nodes[name] = node
        queue.extend(following for following, _ in node.next_functions)
    return names, nodes


def _reduction(names: list[str], nodes: dict[str, Any]) -> str | None:
    for node in nodes.values():
        code = getattr(node, "_saved_reduction", None)
        if isinstance(code, int) and code < len(_REDUCTIONS):
            return _REDUCTIONS[code]
    whole = [name for name in names if name in ("Mean", "Sum")]
    if not whole:
        return None
    # `sum(...) / rows` and `sum(-1).mean()` are averages; a sum over everything is not.
    return "sum" if whole[0] in _SUMS and "Mean" not in names and "Div" not in names else "mean"


def _negative_log_likelihood(names: list[str], reduction: str | None) -> LossFacts:
    if "LogSoftmax" not in names:
        return LossFacts("negative_log_likelihood", "log_probabilities", reduction)
    behind = names[names.index("LogSoftmax") :]
    if "Log" in behind:
        return LossFacts("sparse_categorical_cross_entropy", "distribution", reduction)
    return LossFacts("cross_entropy", "logits", reduction)


def _written_with_log(names: list[str], reduction: str | None) -> LossFacts:
    if "Softmax" in names or "Sigmoid" in names:
        return LossFacts("custom", "logits", reduction)
    if "Rsub" in names:
        return LossFacts("binary_cross_entropy", "probabilities", reduction)
    return LossFacts("categorical_cross_entropy", "distribution", reduction)


def _written_with_differences(names: list[str], reduction: str | None) -> LossFacts:
    if "Sub" in names and "Pow" in names:
        return LossFacts("mse", "real", reduction)
    if "Sub" in names and "Abs" in names:
        return LossFacts("mae", "real", reduction)
    return LossFacts("custom", "unknown", reduction)
