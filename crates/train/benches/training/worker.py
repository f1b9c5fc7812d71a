"""The networks of the benchmark in PyTorch: trains as many steps as each line of the input asks for, and answers with CPU
milliseconds, the peak of the memory, and by how much that is above what was held before the first step."""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

RATE, CLASSES, BATCHES, VOCABULARY = 1e-4, 10, 8, 1000


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.dense = nn.Linear(128, CLASSES)

    def forward(self, x):
        _, (state, _) = self.lstm(x)
        return self.dense(state[-1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 128)
        layer = nn.TransformerEncoderLayer(
            128, 4, 512, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.dense = nn.Linear(128, CLASSES)

    def forward(self, x):
        return self.dense(self.encoder(self.embedding(x)).mean(1))


def mlp():
    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, CLASSES)
    )


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 144, CLASSES),
    )


# The network, the rows of a batch, and the shape of an example; whole numbers where that is a sequence of words.
NETWORKS = {
    "mlp": (mlp, 128, (784,)),
    "cnn": (cnn, 64, (1, 28, 28)),
    "lstm": (Lstm, 32, (64, 128)),
    "transformer": (Transformer, 16, (128,)),
}


def memory_mb(line):
    with open("/proc/self/status") as status:
        kilobytes = next(text.split()[1] for text in status if text.startswith(line + ":"))
    return int(kilobytes) * 1024 / 1e6


def batches(rows, batch):
    while True:
        yield from torch.randperm(rows).split(batch)


def main(name, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    build, batch, shape = NETWORKS[name]
    rows = batch * BATCHES
    x = torch.randint(VOCABULARY, (rows, *shape)) if name == "transformer" else torch.rand(rows, *shape)
    y = torch.arange(rows) * 7919 % CLASSES
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    order, before = batches(rows, batch), memory_mb("VmRSS")
    for line in sys.stdin:
        begin = time.process_time()
        for _ in range(int(line)):
            at = next(order)
            loss = F.cross_entropy(model(x[at]), y[at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        spent = (time.process_time() - begin) * 1e3
        peak = memory_mb("VmHWM")
        print(spent, peak, peak - before, flush=True)


main(sys.argv[1], int(sys.argv[2]))
