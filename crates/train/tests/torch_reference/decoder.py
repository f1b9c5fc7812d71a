"""Writes decoder.safetensors: what an encoder and a decoder of PyTorch give for a batch, of which some steps only fill up, and the gradient by the input.

Run it with any Python that has torch and safetensors: `python decoder.py`. Dropout is off.
"""

import pathlib

import torch
from safetensors.torch import save_file

SOURCE, TARGET, FEATURES, HEADS, HIDDEN = 5, 3, 6, 2, 8
tensors = {}
for name, norm_first in [("post", False), ("pre", True)]:
    torch.manual_seed(11)
    options = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first}
    encoder = torch.nn.TransformerEncoderLayer(FEATURES, HEADS, HIDDEN, **options).double()
    decoder = torch.nn.TransformerDecoderLayer(FEATURES, HEADS, HIDDEN, **options).double()
    for module in (encoder, decoder):
        for weight in module.parameters():
            torch.nn.init.normal_(weight, std=0.5)
    x = torch.randn(2, SOURCE + TARGET, FEATURES).double()
    # The second example has three steps to read, and two to write.
    x[1, 3:SOURCE] = 0
    x[1, SOURCE + 2 :] = 0
    x.requires_grad_()
    fills = (x.detach() == 0).all(dim=2)
    source, target = x[:, :SOURCE], x[:, SOURCE:]
    memory = encoder(source, src_key_padding_mask=fills[:, :SOURCE])
    later = torch.triu(torch.ones(TARGET, TARGET, dtype=torch.bool), diagonal=1)
    output = decoder(
        target,
        memory,
        tgt_mask=later,
        tgt_key_padding_mask=fills[:, SOURCE:],
        memory_key_padding_mask=fills[:, :SOURCE],
    )
    factors = torch.randn_like(output)
    (gradient,) = torch.autograd.grad((output * factors).sum(), x)
    numbers = {"x": x, "output": output, "factors": factors, "gradient": gradient}
    tensors |= {f"{name}.{key}": value.detach() for key, value in numbers.items()}
    weights = {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
    weights |= {f"decoder.{key}": value for key, value in decoder.state_dict().items()}
    tensors |= {f"{name}.weights.{key}": value for key, value in weights.items()}
tensors = {name: tensor.float().contiguous() for name, tensor in tensors.items()}
save_file(tensors, pathlib.Path(__file__).with_suffix(".safetensors"))
