"""What the operations of torch are to Barograph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

SILENT, VIEW, COMPUTE, ACTIVATION, LOSS, TARGET, RANDOM, SHOWN, COMPARED = range(9)
"""Kinds of operations: of no interest; the same numbers seen otherwise; numbers computed; an activation function; a loss of
the library; a form of the targets that the loss is given (`one_hot`); one that draws random numbers; one
by which the script takes a number out of a tensor, to print it or to decide on it; a comparison."""

_SILENT = frozenset(
    """__get__ __set__ __delete__ __len__ __bool__ __hash__ __iter__ __contains__ __int__
    __index__ __reduce_ex__ __deepcopy__ __dir__ __array__ __dlpack__ __dlpack_device__ dim ndimension size
    numel nelement stride storage_offset is_contiguous data_ptr element_size is_floating_point is_complex is_signed get_device
    requires_grad_ retain_grad register_hook register_post_accumulate_grad_hook backward logical_and logical_or
    logical_not __and__ __or__ __xor__ __invert__ argmax argmin argsort nonzero unique any all count_nonzero manual_seed
    _set_grad_enabled is_storage is_tensor untyped_storage storage result_type can_cast
    promote_types searchsorted bincount empty empty_like new_empty empty_strided arange is_same_size share_memory_ is_shared pin_memory is_pinned set_default_dtype get_default_dtype
    is_set_to _is_view is_inference has_names align_to names refine_names type_as_ is_distributed as_subclass
    _record_function_enter_new _record_function_exit _RecordFunction __torch_dispatch__ dim_order
    _has_compatible_shallow_copy_type _make_subclass _make_wrapper_subclass""".split()
)
_VIEWS = frozenset(
    """view reshape reshape_as view_as flatten unflatten ravel transpose swapaxes swapdims t adjoint permute movedim moveaxis
    squeeze unsqueeze expand expand_as broadcast_to __getitem__ chunk split tensor_split unbind detach detach_ contiguous clone
    narrow select index_select gather take take_along_dim stack cat concat concatenate vstack hstack dstack repeat
    repeat_interleave tile flip roll diagonal diag unfold cpu cuda alias
    tril triu sort topk broadcast_tensors meshgrid masked_select pad""".split()
)
_ACTIVATIONS = {
    "relu": "relu", "relu_": "relu", "leaky_relu": "leaky_relu", "leaky_relu_": "leaky_relu", "elu": "elu", "elu_": "elu",
    "selu": "selu", "selu_": "selu", "celu": "celu", "gelu": "gelu", "silu": "silu", "mish": "mish", "sigmoid": "sigmoid",
    "sigmoid_": "sigmoid", "tanh": "tanh", "tanh_": "tanh", "softmax": "softmax", "log_softmax": "log_softmax",
    "softplus": "softplus", "hardtanh": "hardtanh", "relu6": "relu6", "hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid",
    "prelu": "prelu", "rrelu": "rrelu", "softsign": "softsign", "logsigmoid": "log_sigmoid", "exp": "exponential",
}  # fmt: skip
_COMPARED = frozenset(
    """is_nonzero isnan isinf isfinite isposinf isneginf isclose allclose equal eq ne lt le gt ge __eq__ __ne__ __lt__ __le__
    __gt__ __ge__""".split()
)
_SHOWN = frozenset("item tolist numpy __float__ __format__ __repr__ __str__".split())
_RANDOM = frozenset(
    """dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout rand randn randint rand_like
    randn_like normal normal_ uniform_ bernoulli bernoulli_ multinomial gumbel_softmax exponential_ cauchy_ geometric_
    log_normal_ poisson randperm rrelu""".split()
)
_LOSSES = frozenset(
    """cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy kl_div ctc_loss
    binary_cross_entropy_with_logits poisson_nll_loss gaussian_nll_loss hinge_embedding_loss soft_margin_loss
    multilabel_soft_margin_loss multilabel_margin_loss multi_margin_loss""".split()
)
_OPERATORS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add", "__sub__": "sub", "__rsub__": "sub", "__isub__": "sub",
    "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul", "__truediv__": "div", "__rtruediv__": "div", "__itruediv__": "div",
    "__div__": "div", "__rdiv__": "div", "__idiv__": "div", "true_divide": "div", "divide": "div", "__pow__": "pow",
    "__rpow__": "pow", "__ipow__": "pow", "__matmul__": "matmul", "__rmatmul__": "matmul", "__neg__": "neg", "negative": "neg",
    "__abs__": "abs", "absolute": "abs", "__mod__": "remainder", "__rmod__": "remainder", "multiply": "mul",
    "subtract": "sub", "__rfloordiv__": "floor_divide", "__floordiv__": "floor_divide", "__setitem__": "setitem",
}  # fmt: skip
CREATIONS = frozenset(
    """tensor as_tensor from_numpy full full_like zeros ones zeros_like ones_like new_full new_zeros new_ones new_tensor rand
    randn normal rand_like randn_like fill_ zero_ normal_ uniform_ copy_ setitem asarray scalar_tensor linspace""".split()
)
"""Operations whose result is what the script puts there: an infinity among it is meant, a NaN has entered with the data."""

MASKS = frozenset("masked_fill masked_fill_ where tril triu masked_scatter".split())
"""Operations that put infinities where a mask says: they are meant."""


def plain(name: str) -> str:
    """The name of an operation as people say it: `__truediv__` and `div_` are `div`."""
    name = _OPERATORS.get(name, name)
    if name.endswith("_") and not name.startswith("_") and name not in CREATIONS:
        name = name[:-1]
    return _OPERATORS.get(name, name)


def activation(name: str) -> str:
    """The name of an activation function in Barograph's words."""
    return _ACTIVATIONS.get(name, name)


def kind(function: Callable[..., Any]) -> int:
    """What kind of operation a function of torch is."""
    name = getattr(function, "__name__", "")
    if name in _COMPARED:
        return COMPARED
    if name in _SILENT or not name or name.startswith(("_record_function", "is_", "_is_")):
        return SILENT
    if name in _VIEWS:
        return VIEW
    if name in _LOSSES:
        return LOSS
    if name in _ACTIVATIONS:
        return ACTIVATION
    if name == "one_hot":
        return TARGET
    if name in _RANDOM:
        return RANDOM
    if name in _SHOWN:
        return SHOWN
    return COMPUTE


def activation_of(module: torch.nn.Module) -> str | None:
    """The activation function that a module is, or `None`: by the modules of `torch.nn.modules.activation`."""
    if type(module).__module__ != "torch.nn.modules.activation" or isinstance(module, torch.nn.MultiheadAttention):
        return None
    return _MODULES.get(type(module).__name__, type(module).__name__.lower())


_MODULES = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "SELU": "selu", "CELU": "celu", "GELU": "gelu", "SiLU": "silu",
    "Mish": "mish", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax", "LogSoftmax": "log_softmax", "ReLU6": "relu6",
    "Softplus": "softplus", "Hardtanh": "hardtanh", "Hardswish": "hard_swish", "Hardsigmoid": "hard_sigmoid", "PReLU": "prelu",
    "RReLU": "rrelu", "Softsign": "softsign", "LogSigmoid": "log_sigmoid", "Softmax2d": "softmax",
}  # fmt: skip

LAYERS = {
    "Linear": "dense", "LazyLinear": "dense", "Conv1d": "conv", "Conv2d": "conv", "Conv3d": "conv", "BatchNorm1d": "batch_norm",
    "BatchNorm2d": "batch_norm", "BatchNorm3d": "batch_norm", "LayerNorm": "layer_norm", "GroupNorm": "group_norm",
    "RMSNorm": "rms_norm", "Embedding": "embedding", "LSTM": "lstm", "GRU": "gru", "RNN": "rnn",
    "MultiheadAttention": "attention", "Dropout": "dropout",
}  # fmt: skip
"""Kinds of layers in Barograph's words, by the names of torch's classes."""
