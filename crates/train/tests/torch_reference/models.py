"""Writes models.safetensors: state_dicts of PyTorch models with their inputs and outputs, for crates/train/tests/torch_weights.rs to load.

Each model's tensors have its name and a slash before theirs, as have its inputs, `x`, and its outputs in evaluation, `y`, both with one row an
example. Run it with any Python that has torch and safetensors; the file is written beside this one.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

tensors = {}


def keep(name, model, inputs, run=None):
    """Keeps what `model.state_dict()` holds, the inputs, and what comes out in evaluation."""
    model.eval()
    with torch.no_grad():
        outputs = (run or model)(inputs)
    rows = inputs.shape[0]
    for key, value in model.state_dict().items():
        tensors[f"{name}/{key}"] = value.clone()
    tensors[f"{name}/x"] = inputs.reshape(rows, -1).float()
    tensors[f"{name}/y"] = outputs.reshape(rows, -1)


def disturbed(model):
    """Gives norms other statistics than 0 and 1, and every parameter another value than its first."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.4)
    return model


class Named(nn.Module):
    """Modules with names that are in no order: two of one shape differ by their numbers."""

    def __init__(self):
        super().__init__()
        self.zeroth = nn.Linear(3, 4)
        self.hidden1 = nn.Linear(4, 4)
        self.hidden2 = nn.Linear(4, 4)
        self.bn = nn.BatchNorm1d(4)
        self.answer = nn.Linear(4, 2, bias=False)

    def forward(self, x):
        x = torch.tanh(self.zeroth(x))
        x = torch.tanh(self.hidden2(torch.tanh(self.hidden1(x))))
        return self.answer(self.bn(x))


class Sequence(nn.Module):
    """Words, a recurrent layer in both directions, and another one on top."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(11, 4)
        self.lstm = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(6, 5, batch_first=True)
        self.out = nn.Linear(5, 2)

    def forward(self, x):
        x, _ = self.lstm(self.words(x))
        x, _ = self.gru(x)
        return self.out(x[:, -1])


class Stacked(nn.Module):
    """Two recurrent layers in one module."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(3, 3, num_layers=2, batch_first=True)

    def forward(self, x):
        return self.rnn(x)[0][:, -1]


class Transformer(nn.Module):
    """Positions, two blocks and a norm."""

    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(1, 5, 6))
        block = nn.TransformerEncoderLayer(6, 2, dim_feedforward=8, dropout=0.1, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        return self.norm(self.blocks(x + self.positions))


class Attention(nn.Module):
    """Attention by itself."""

    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        return self.attend(x, x, x, need_weights=False)[0]


def main():
    torch.manual_seed(0)
    convolutional = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.PReLU(4),
        nn.ConvTranspose2d(4, 2, 2, stride=2),
        nn.Flatten(),
        nn.Linear(48, 3),
    )
    keep("convolutional", disturbed(convolutional), torch.randn(3, 2, 4, 6))
    keep("named", disturbed(Named()), torch.randn(4, 3))
    keep("sequence", disturbed(Sequence()), torch.randint(0, 11, (3, 5)))
    keep("stacked", disturbed(Stacked()), torch.randn(3, 4, 3))
    keep("transformer", disturbed(Transformer()), torch.randn(2, 5, 6))
    keep("attention", disturbed(Attention()), torch.randn(2, 5, 4))
    half = nn.Sequential(nn.Conv1d(3, 4, 3, padding=1), nn.Tanh())
    keep("half", disturbed(half).to(torch.bfloat16).float(), torch.randn(2, 3, 6), lambda x: half(x).transpose(1, 2))
    # Barograph's sequences have the features of one time step side by side.
    tensors["half/x"] = tensors["half/x"].reshape(2, 3, 6).transpose(1, 2).reshape(2, -1).contiguous()
    tensors["half/0.weight"] = tensors["half/0.weight"].to(torch.bfloat16)
    tensors["half/0.bias"] = tensors["half/0.bias"].to(torch.float16)
    save_file({name: value.contiguous() for name, value in tensors.items()}, pathlib.Path(__file__).with_name("models.safetensors"))


if __name__ == "__main__":
    main()
