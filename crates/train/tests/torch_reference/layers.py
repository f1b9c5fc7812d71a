"""Writes layers.safetensors: what layers of PyTorch compute, for crates/train/tests/layers_match_torch.rs to compare with.

For each case there is the input, the output, fixed factors, and the gradients of sum(output * factors) with respect to the input and
each weight. Weights and their gradients carry the names and the layouts of Barograph's layers. Run it with any Python that has
torch and safetensors; the file is written beside this one.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

tensors = {}


def transposed(weight):
    return weight.T


def same(weight):
    return weight


def case(name, inputs, run, weights, differentiable=True):
    """`weights` maps our name to a torch parameter and the function that brings its values into our layout."""
    inputs = inputs.clone().requires_grad_(differentiable)
    output = run(inputs)
    factors = torch.randn(output.shape)
    (output * factors).sum().backward()
    rows = inputs.shape[0]
    tensors[f"{name}/input"] = inputs.detach().reshape(rows, -1)
    tensors[f"{name}/output"] = output.detach().reshape(rows, -1)
    tensors[f"{name}/factors"] = factors.reshape(rows, -1)
    if differentiable:
        tensors[f"{name}/input_gradient"] = inputs.grad.reshape(rows, -1)
    for ours, (parameter, layout) in weights.items():
        tensors[f"{name}/weight/layer.{ours}"] = layout(parameter.detach())
        tensors[f"{name}/gradient/layer.{ours}"] = layout(parameter.grad)


def randomized(module):
    """Gives every parameter random values, so that none is hidden by a 0 or a 1."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def plain(module, **weights):
    return {ours: (getattr(module, theirs), same) for ours, theirs in weights.items()}


def dense(prefix, module):
    return {f"{prefix}weight": (module.weight, transposed), f"{prefix}bias": (module.bias, same)}


def convolutions():
    image = torch.randn(2, 3, 4, 5)
    sequence = torch.randn(2, 7, 3)
    names = {"weight": "weight", "bias": "bias"}
    for name, kernel, stride, padding in [("same", 3, 1, (1, 1)), ("valid", 3, 2, (0, 0)), ("even", 4, 2, (1, 2))]:
        layer = randomized(nn.Conv1d(3, 4, kernel, stride))
        run = lambda x: layer(functional.pad(x.transpose(1, 2), padding)).transpose(1, 2)
        case(f"conv1d_{name}", sequence, run, plain(layer, **names))
    # The whole output is (pixels - 1) * stride + kernel wide; "same" keeps pixels * stride of it.
    for name, kernel, stride, extra, begin, end in [
        ("same", 3, 2, 0, 0, 1),
        ("wide", 5, 2, 0, 1, 2),
        ("valid", 3, 2, 0, 0, 0),
        ("sparse", 2, 3, 1, 0, 0),
    ]:
        layer = randomized(nn.ConvTranspose2d(3, 2, kernel, stride, output_padding=extra))

        def run(x):
            y = layer(x)
            return y[:, :, begin : y.shape[2] - end, begin : y.shape[3] - end]

        case(f"conv2d_transpose_{name}", image, run, plain(layer, **names))


def norms():
    image = torch.randn(3, 6, 2, 3)
    sequence = torch.randn(3, 4, 6)
    names = {"scale": "weight", "shift": "bias"}
    layer = randomized(nn.GroupNorm(3, 6))
    case("group_norm_image", image, layer, plain(layer, **names))
    layer = randomized(nn.GroupNorm(2, 6))
    case("group_norm_sequence", sequence, lambda x: layer(x.transpose(1, 2)).transpose(1, 2), plain(layer, **names))
    layer = randomized(nn.LayerNorm(6))
    case("layer_norm_sequence", sequence, layer, plain(layer, **names))
    layer = randomized(nn.RMSNorm(6, eps=1e-5))
    case("rms_norm_sequence", sequence, layer, plain(layer, scale="weight"))
    layer = randomized(nn.RMSNorm(24, eps=1e-5))
    case("rms_norm_row", torch.randn(3, 24), layer, plain(layer, scale="weight"))


def simple():
    image = torch.randn(3, 4, 2, 3)
    sequence = torch.randn(3, 5, 4)
    layer = randomized(nn.Embedding(7, 3))
    numbers = torch.randint(0, 7, (4, 5))
    case("embedding", numbers.float(), lambda x: layer(x.long()), plain(layer, weight="weight"), differentiable=False)
    layer = randomized(nn.Linear(4, 6))
    case("dense_sequence", sequence, layer, dense("", layer))
    positions = nn.Parameter(torch.randn(5, 4))
    case("position_embedding", sequence, lambda x: x + positions, {"weight": (positions, same)})
    case("global_average_pool_image", image, lambda x: x.mean((2, 3)), {})
    case("global_average_pool_sequence", sequence, lambda x: x.mean(1), {})
    case("global_max_pool_image", image, lambda x: x.amax((2, 3)), {})
    case("global_max_pool_sequence", sequence, lambda x: x.amax(1), {})
    layer = randomized(nn.PReLU(4))
    case("prelu_image", image, layer, plain(layer, slope="weight"))
    case("leaky_relu", torch.randn(3, 8), nn.LeakyReLU(0.3), {})
    case("glu_row", torch.randn(3, 8), nn.GLU(1), {})
    case("glu_image", image, nn.GLU(1), {})
    case("glu_sequence", sequence, nn.GLU(2), {})


def recurrent():
    sequence = torch.randn(3, 6, 4)
    for name, kind in [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)]:
        for directions in (1, 2):
            layer = randomized(kind(4, 5, batch_first=True, bidirectional=directions == 2))
            weights = {}
            for ours, end in [("forward", ""), ("backward", "_reverse")][:directions]:
                of = lambda kind: getattr(layer, f"{kind}_l0{end}")
                weights[f"{ours}.input_weight"] = (of("weight_ih"), transposed)
                weights[f"{ours}.recurrent_weight"] = (of("weight_hh"), transposed)
                weights[f"{ours}.bias"] = (of("bias_ih"), same)
                if name == "gru":
                    weights[f"{ours}.recurrent_bias"] = (of("bias_hh"), same)
                else:
                    # Two biases that are only ever added are one bias in our layers.
                    nn.init.zeros_(of("bias_hh"))

            def last(x):
                state = layer(x)[1]
                state = state[0] if isinstance(state, tuple) else state
                return state.transpose(0, 1).reshape(len(x), -1)

            case(f"{name}_{directions}_sequences", sequence, lambda x: layer(x)[0], weights)
            layer.zero_grad()
            case(f"{name}_{directions}_last", sequence, last, weights)


def attention_weights(prefix, layer):
    size = layer.embed_dim
    weights = dense(f"{prefix}output.", layer.out_proj)
    for place, ours in enumerate(["query", "key", "value"]):
        part = slice(place * size, (place + 1) * size)
        weights[f"{prefix}{ours}.weight"] = (layer.in_proj_weight, lambda weight, part=part: weight[part].T)
        weights[f"{prefix}{ours}.bias"] = (layer.in_proj_bias, lambda bias, part=part: bias[part])
    return weights


def attention():
    sequence = torch.randn(2, 5, 6)
    later = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    for name, mask in [("whole", None), ("causal", later)]:
        layer = randomized(nn.MultiheadAttention(6, 2, batch_first=True))
        run = lambda x: layer(x, x, x, attn_mask=mask, need_weights=False)[0]
        case(f"multi_head_attention_{name}", sequence, run, attention_weights("", layer))
    for name, first, activation, mask in [
        ("transformer_encoder_pre", True, "relu", None),
        ("transformer_encoder_post", False, "gelu", None),
        ("transformer_decoder_pre", True, "gelu", later),
        ("transformer_decoder_post", False, "relu", later),
    ]:
        options = {"dropout": 0.0, "activation": activation, "batch_first": True, "norm_first": first}
        layer = randomized(nn.TransformerEncoderLayer(6, 2, 8, **options))
        weights = attention_weights("attention.", layer.self_attn)
        weights |= dense("feed_forward1.", layer.linear1) | dense("feed_forward2.", layer.linear2)
        for ours, norm in [("attention_norm", layer.norm1), ("feed_forward_norm", layer.norm2)]:
            weights |= {f"{ours}.scale": (norm.weight, same), f"{ours}.shift": (norm.bias, same)}
        case(name, sequence, lambda x: layer(x, src_mask=mask), weights)


def blocks():
    first, second = randomized(nn.Linear(5, 7)), randomized(nn.Linear(7, 5))
    run = lambda x: x + second(torch.relu(first(x)))
    case("residual_row", torch.randn(3, 5), run, dense("dense1.", first) | dense("dense2.", second))
    narrow, wide, mixed = (randomized(nn.Conv2d(*sizes, padding="same")) for sizes in [(3, 2, 1), (3, 4, 3), (4, 1, 1)])
    weights = {}
    for ours, layer in [("conv1", narrow), ("sequential1.conv1", wide), ("sequential1.conv2", mixed)]:
        weights |= {f"{ours}.weight": (layer.weight, same), f"{ours}.bias": (layer.bias, same)}
    # The third branch hands its input on.
    run = lambda x: torch.cat([narrow(x), mixed(torch.tanh(wide(x))), x], 1)
    case("parallel_image", torch.randn(2, 3, 4, 4), run, weights)
    first, second = randomized(nn.Linear(4, 6)), randomized(nn.Linear(4, 6))
    run = lambda x: first(x) + second(x)
    case("parallel_sum", torch.randn(2, 5, 4), run, dense("dense1.", first) | dense("dense2.", second))


ACTIVATIONS = {
    "linear": lambda x: x * 1.0,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "hard_sigmoid": functional.hardsigmoid,
    "hard_swish": functional.hardswish,
    "hard_tanh": functional.hardtanh,
    "relu6": functional.relu6,
    "log_sigmoid": functional.logsigmoid,
    "softsign": functional.softsign,
    "tanh_shrink": functional.tanhshrink,
    "hard_shrink": functional.hardshrink,
    "soft_shrink": functional.softshrink,
    "softmin": lambda x: functional.softmin(x, -1),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "softmax_batch": lambda x: torch.softmax(x, 0),
    "softplus": functional.softplus,
    "exponential": torch.exp,
}


def activations():
    for name, function in ACTIVATIONS.items():
        case(f"activation_{name}", torch.randn(4, 9) * 3, function, {})
        if name not in ("exponential", "softmax_batch"):
            # Far out, where a function that is computed carelessly overflows.
            far = torch.tensor([[-200.0, -95.0, -30.0, 30.0, 95.0, 200.0]])
            case(f"far_{name}", far, function, {})
    sequence = torch.randn(3, 4, 5)
    case("softmax_of_a_sequence", sequence, lambda x: torch.softmax(x, -1), {})


def batch_norm(name, inputs, layer, forth=same, back=same):
    """In training; the running statistics before and after it are kept too."""
    randomized(layer)
    for ours, theirs in [("running_mean", "running_mean"), ("running_variance", "running_var")]:
        tensors[f"{name}/weight/layer.{ours}"] = getattr(layer, theirs).clone()
    case(name, inputs, lambda x: back(layer(forth(x))), plain(layer, scale="weight", shift="bias"))
    for ours, theirs in [("running_mean", "running_mean"), ("running_variance", "running_var")]:
        tensors[f"{name}/after/layer.{ours}"] = getattr(layer, theirs).clone()


def usual():
    layer = randomized(nn.Linear(6, 4))
    case("dense_row", torch.randn(3, 6), lambda x: torch.tanh(layer(x)), dense("", layer))
    image = torch.randn(2, 3, 5, 6)
    names = {"weight": "weight", "bias": "bias"}
    # With "same", an even kernel has one pixel more behind it, as in torch.
    for name, kernel, stride, padding in [("same", 3, 1, (1, 1, 1, 1)), ("even", 4, 1, (1, 2, 1, 2)), ("valid", 3, 2, (0, 0, 0, 0))]:
        layer = randomized(nn.Conv2d(3, 4, kernel, stride))
        run = lambda x: layer(functional.pad(x, padding))
        case(f"conv2d_{name}", image, run, plain(layer, **names))
    case("max_pool2d", image, nn.MaxPool2d(2), {})
    case("max_pool2d_overlapping", image, nn.MaxPool2d(3, 1), {})
    case("avg_pool2d", image, nn.AvgPool2d(2), {})
    case("avg_pool2d_overlapping", image, nn.AvgPool2d(3, 2), {})
    sequence = torch.randn(2, 7, 3)
    for name, pool in [("max", nn.MaxPool1d), ("avg", nn.AvgPool1d)]:
        for end, window in [("", pool(2)), ("_overlapping", pool(3, 1))]:
            run = lambda x: window(x.transpose(1, 2)).transpose(1, 2)
            case(f"{name}_pool1d{end}", sequence, run, {})
    row = torch.randn(4, 9) * 3
    case("rrelu_evaluated", row, lambda x: functional.rrelu(x, 0.1, 0.4, training=False), {})
    case("threshold", row, lambda x: functional.threshold(x, 0.3, -1.5), {})
    case("activation_celu", row, functional.celu, {})
    case("activation_thresholded_relu", row, lambda x: functional.threshold(x, 1.0, 0.0), {})
    quiet = lambda x: torch.exp(x) / (1 + torch.exp(x).sum(-1, keepdim=True))
    case("activation_quiet_softmax", row, quiet, {})
    far = torch.tensor([[-200.0, -95.0, -30.0, 30.0, 95.0, 200.0]])
    case("far_celu", far, functional.celu, {})
    case("far_thresholded_relu", far, lambda x: functional.threshold(x, 1.0, 0.0), {})
    # Beside an exponential of 200 the 1 is nothing.
    case("far_quiet_softmax", far, lambda x: torch.softmax(x, -1), {})
    for name, merge in [
        ("multiply", lambda a, b: a * b),
        ("average", lambda a, b: (a + b) / 2),
        ("maximum", torch.maximum),
    ]:
        first, second = randomized(nn.Linear(5, 4)), randomized(nn.Linear(5, 4))
        run = lambda x: merge(functional.silu(first(x)), second(x))
        case(f"parallel_{name}", torch.randn(3, 5), run, dense("dense1.", first) | dense("dense2.", second))
    names = {"scale": "weight", "shift": "bias"}
    layer = randomized(nn.LayerNorm(8))
    case("layer_norm_row", torch.randn(3, 8), layer, plain(layer, **names))
    batch_norm("batch_norm_row", torch.randn(5, 4) * 2 + 1, nn.BatchNorm1d(4))
    batch_norm("batch_norm_image", torch.randn(3, 4, 2, 3) - 1, nn.BatchNorm2d(4))
    swap = lambda x: x.transpose(1, 2)
    batch_norm("batch_norm_sequence", torch.randn(3, 5, 4) + 2, nn.BatchNorm1d(4), swap, swap)


if __name__ == "__main__":
    torch.manual_seed(7)
    convolutions()
    norms()
    simple()
    recurrent()
    attention()
    activations()
    blocks()
    usual()
    contiguous = {name: tensor.float().contiguous().clone() for name, tensor in tensors.items()}
    path = pathlib.Path(__file__).with_suffix(".safetensors")
    save_file(contiguous, path, {"made_by": f"layers.py with torch {torch.__version__.split('+')[0]}"})
    print(f"{path.name}: {len(contiguous)} tensors")
