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

_SUMS = frozenset({"Sum"})
_REDUCTIONS = ("none", "mean", "sum")


class LossFacts(NamedTuple):
    """The loss in Barograph's words; `None` where the graph does not tell."""

    name: str
    takes: str
    reduction: str | None


def read_loss(loss: Any, outputs: set[Any]) -> LossFacts:
    """What the graph behind `loss` says of it; `outputs` are the nodes that made the outputs of the model, where it ends."""
    names, nodes = _walk(loss.grad_fn, outputs)
    reduction = _reduction(names, nodes)
    if "NllLoss" in names or "NllLoss2D" in names:
        return _negative_log_likelihood(names, reduction)
    for name, (loss_name, takes) in _LIBRARY.items():
        if name in names:
            return LossFacts(loss_name, takes, reduction)
    if "LogSoftmax" in names or "Logsumexp" in names:
        return LossFacts("custom", "logits", reduction)
    if "Log" in names:
        return _written_with_log(names, reduction)
    return _written_with_differences(names, reduction)


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
        name = type(node).__name__.split("Backward")[0]
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
