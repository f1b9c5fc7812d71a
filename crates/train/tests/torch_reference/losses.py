"""Writes losses.json: the values and the gradients of losses as PyTorch computes them, each with the `[loss]` table that asks for the same.
Losses that torch does not have are written from their formulas; their gradients are torch's.

All of it is in double precision. Run it with any Python that has torch and numpy: `python losses.py`.
"""

import json
import pathlib

import numpy
import torch
import torch.nn.functional as F

random = numpy.random.default_rng(7)
cases = []


def case(name, table, outputs, targets, loss, classes=False):
    """`targets` are class numbers if `classes`, else numbers `[rows, columns]`."""
    x = torch.tensor(numpy.asarray(outputs, numpy.float32), dtype=torch.float64, requires_grad=True)
    targets = numpy.asarray(targets)
    t = torch.tensor(targets.astype(numpy.int64)) if classes else torch.tensor(targets.astype(numpy.float32), dtype=torch.float64)
    value = loss(x, t)
    (gradient,) = torch.autograd.grad(value, x)
    assert torch.isfinite(value) and torch.isfinite(gradient).all(), name
    cases.append({
        "name": name,
        "loss": table,
        "outputs": x.detach().tolist(),
        "classes": t.tolist() if classes else None,
        "targets": None if classes else t.tolist(),
        "value": value.item(),
        "gradient": gradient.flatten().tolist(),
    })


def scores(rows=6, columns=4, scale=2.0):
    return random.normal(size=[rows, columns]) * scale


# Scores at which a naive softmax, sigmoid or exponential breaks.
FAR = [[1e4, -1e4, 0, 3], [-1e4, 1e4, 2, 1], [0, 0, 0, 0], [1e4, 1e4, -1e4, -1e4]]
FAR_CLASSES = [1, 1, 2, 0]
CLASSES = [0, 3, 1, 1, 2, 0]
FLAGS = random.integers(0, 2, size=[6, 4])
SHARES = random.dirichlet([1.0] * 4, size=6)
ONE_HOT = numpy.eye(4)[[0, 3, 1, 1, 2, 0]]
WEIGHTS = [0.5, 2.0, 1.0, 3.0]


def both(name, table, loss):
    case(name, table, scores(), CLASSES, loss, classes=True)
    case(f"{name}_far", table, FAR, FAR_CLASSES, loss, classes=True)


both("cross_entropy", 'kind = "cross_entropy"', F.cross_entropy)
both("cross_entropy_sum", 'kind = "cross_entropy"\nreduction = "sum"', lambda x, t: F.cross_entropy(x, t, reduction="sum"))
both("cross_entropy_smoothed", 'kind = "cross_entropy"\nlabel_smoothing = 0.1', lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1))
weights = torch.tensor(WEIGHTS, dtype=torch.float64)
both("cross_entropy_weighted", f'kind = "cross_entropy"\nclass_weights = {WEIGHTS}', lambda x, t: F.cross_entropy(x, t, weight=weights))
both(
    "cross_entropy_smoothed_and_weighted",
    f'kind = "cross_entropy"\nlabel_smoothing = 0.2\nclass_weights = {WEIGHTS}',
    lambda x, t: F.cross_entropy(x, t, weight=weights, label_smoothing=0.2),
)
case("cross_entropy_shares", 'kind = "cross_entropy"', scores(), SHARES, F.cross_entropy)
case("cross_entropy_shares_far", 'kind = "cross_entropy"', FAR, ONE_HOT[:4], F.cross_entropy)
# Two examples of three time steps each, one of which is not to be learned.
case(
    "cross_entropy_steps", 'kind = "cross_entropy"', scores(2, 12), [[0, 3, -1], [1, 1, 2]],
    lambda x, t: F.cross_entropy(x.reshape(6, 4), t.reshape(6).long(), ignore_index=-1),
)
case(
    "negative_log_likelihood_weighted", f'kind = "negative_log_likelihood"\nclass_weights = {WEIGHTS}',
    torch.log_softmax(torch.tensor(scores()), 1).numpy(), CLASSES, lambda x, t: F.nll_loss(x, t, weight=weights), classes=True,
)


def focal(x, t, gamma):
    log_p = torch.log_softmax(x, 1)
    right = F.one_hot(t, x.shape[1]).bool()
    rest = torch.logsumexp(x.masked_fill(right, -torch.inf), 1) - torch.logsumexp(x, 1)
    return -(torch.exp(gamma * rest) * log_p[right]).mean()


for gamma in [0.5, 2.0]:
    both(f"focal_{gamma}", f'kind = "focal"\ngamma = {gamma}', lambda x, t, gamma=gamma: focal(x, t, gamma))


def weighted_focal(x, t):
    log_p = torch.log_softmax(x, 1)[torch.arange(len(t)), t]
    return -(weights[t] * (1 - log_p.exp()) ** 2 * log_p).sum() / weights[t].sum()


case("focal_weighted", f'kind = "focal"\nclass_weights = {WEIGHTS}', scores(), CLASSES, weighted_focal, classes=True)


def generalized(x, t, q=0.7):
    p = torch.softmax(x, 1)[torch.arange(len(t)), t]
    return ((1 - p**q) / q).mean()


case("generalized_cross_entropy", 'kind = "generalized_cross_entropy"\nq = 0.7', scores(), CLASSES, generalized, classes=True)


def divergence(x, t):
    return F.kl_div(torch.log_softmax(x, 1), t, reduction="batchmean")


case("kl_divergence", 'kind = "kl_divergence"', scores(), SHARES, divergence)
case("kl_divergence_zeros", 'kind = "kl_divergence"', scores(), [[0, 0.5, 0.5, 0]] * 6, divergence)
case("kl_divergence_far", 'kind = "kl_divergence"', FAR, ONE_HOT[:4], divergence)


def categorical_hinge(x, t):
    right = F.one_hot(t, x.shape[1]).bool()
    return torch.relu(1 + x.masked_fill(right, -torch.inf).max(1).values - x[right]).mean()


case("categorical_hinge", 'kind = "categorical_hinge"', scores(), CLASSES, categorical_hinge, classes=True)

FAR_FLAGS = [[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]]


def yes_or_no(name, table, loss):
    case(name, table, scores(), FLAGS, loss)
    case(f"{name}_far", table, FAR, FAR_FLAGS, loss)


yes_or_no("binary_cross_entropy_logits", 'kind = "binary_cross_entropy_logits"', F.binary_cross_entropy_with_logits)
yes_or_no(
    "binary_cross_entropy_logits_smoothed", 'kind = "binary_cross_entropy_logits"\nlabel_smoothing = 0.1',
    lambda x, t: F.binary_cross_entropy_with_logits(x, t * 0.9 + 0.05),
)
yes_or_no(
    "binary_cross_entropy_logits_weighted", 'kind = "binary_cross_entropy_logits"\nclass_weights = [1.0, 3.0]',
    lambda x, t: F.binary_cross_entropy_with_logits(x, t, weight=1 + 2 * t, reduction="sum") / (1 + 2 * t).sum(),
)


def binary_focal(x, t, gamma, alpha=None):
    yes, no = F.logsigmoid(x), F.logsigmoid(-x)
    of_yes, of_no = (1, 1) if alpha is None else (alpha, 1 - alpha)
    return -(t * of_yes * torch.exp(gamma * no) * yes + (1 - t) * of_no * torch.exp(gamma * yes) * no).mean()


yes_or_no("binary_focal", 'kind = "binary_focal"', lambda x, t: binary_focal(x, t, 2.0))
yes_or_no("binary_focal_alpha", 'kind = "binary_focal"\ngamma = 0.5\nalpha = 0.25', lambda x, t: binary_focal(x, t, 0.5, 0.25))
case("hinge", 'kind = "hinge"', scores(), FLAGS, lambda x, t: torch.relu(1 - (2 * t - 1) * x).mean())
case("squared_hinge", 'kind = "squared_hinge"', scores(), FLAGS, lambda x, t: (torch.relu(1 - (2 * t - 1) * x) ** 2).mean())

PROBABILITIES = random.uniform(0.01, 0.99, size=[6, 4])


def dice(x, t):
    return (1 - (2 * (t * x).sum(1) + 1e-7) / (t.sum(1) + x.sum(1) + 1e-7)).mean()


def tversky(x, t):
    both = (t * x).sum(1)
    wrong = 0.3 * ((1 - t) * x).sum(1) + 0.7 * (t * (1 - x)).sum(1)
    return (1 - (both + 1e-7) / (both + wrong + 1e-7)).mean()


case("dice", 'kind = "dice"', PROBABILITIES, FLAGS, dice)
case("dice_of_nothing", 'kind = "dice"', numpy.zeros([2, 4]), numpy.zeros([2, 4]), dice)
case("tversky", 'kind = "tversky"\nalpha = 0.3\nbeta = 0.7', PROBABILITIES, FLAGS, tversky)

REAL = random.normal(size=[6, 4])
FAR_REAL = [[-1e4, 1e4, 0, 3], [1e4, 1e4, 2.2, 0.6], [0.1, -0.1, 0, 1e-3], [1e4, -1e4, 1e4, 0]]


def real(name, table, loss):
    case(name, table, scores(), REAL, loss)
    case(f"{name}_far", table, FAR, FAR_REAL, loss)


real("mse", 'kind = "mse"', F.mse_loss)
real("mae", 'kind = "mae"', F.l1_loss)
for delta in [0.3, 1.0]:
    real(f"huber_{delta}", f'kind = "huber"\ndelta = {delta}', lambda x, t, delta=delta: F.huber_loss(x, t, delta=delta))
    real(f"smooth_l1_{delta}", f'kind = "smooth_l1"\nbeta = {delta}', lambda x, t, beta=delta: F.smooth_l1_loss(x, t, beta=beta))


def log_cosh(x, t):
    return ((x - t).abs() + F.softplus(-2 * (x - t).abs(), threshold=50) - numpy.log(2)).mean()


real("log_cosh", 'kind = "log_cosh"', log_cosh)
for q in [0.5, 0.9]:
    real(f"quantile_{q}", f'kind = "quantile"\nq = {q}', lambda x, t, q=q: (q * torch.relu(t - x) + (1 - q) * torch.relu(x - t)).mean())
case("mape", 'kind = "mape"', scores(), REAL, lambda x, t: (100 * (x - t).abs() / t.abs()).mean())
case(
    "msle", 'kind = "msle"', numpy.abs(scores()), numpy.abs(REAL),
    lambda x, t: ((torch.log1p(x.clamp(min=1e-7)) - torch.log1p(t.clamp(min=1e-7))) ** 2).mean(),
)
COUNTS = random.poisson(3.0, size=[6, 4])
case(
    "poisson", 'kind = "poisson"', numpy.abs(scores()), COUNTS,
    lambda x, t: F.poisson_nll_loss(x, t, log_input=False, eps=1e-7),
)
case("poisson_log", 'kind = "poisson_log"', scores(scale=1.0), COUNTS, F.poisson_nll_loss)
case("poisson_log_far", 'kind = "poisson_log"', [[-1e4, 40.0]], [[3, 5]], F.poisson_nll_loss)


def cosine(x, t):
    return (1 - F.cosine_similarity(x, t, dim=1)).mean()


case("cosine_distance", 'kind = "cosine_distance"', scores(), REAL, cosine)
case("cosine_distance_far", 'kind = "cosine_distance"', FAR[:2] + [[1e-4, 2e-4, 0, 3e-4]], FAR_REAL[:3], cosine)


def ctc(x, t, classes, blank):
    time = x.shape[1] // classes
    log_p = torch.log_softmax(x.reshape(len(x), time, classes), 2).transpose(0, 1)
    labels = [[int(label) for label in row if label >= 0 and label != blank] for row in t.tolist()]
    lengths = torch.tensor([len(row) for row in labels])
    flat = torch.tensor([label for row in labels for label in row], dtype=torch.long)
    return F.ctc_loss(log_p, flat, torch.full([len(x)], time), lengths, blank=blank, reduction="none").mean()


# Repeated labels, labels that fill every time step, and none at all.
LABELS = [[1, 2, -1, -1], [2, 2, 1, -1], [3, 3, -1, -1], [-1, -1, -1, -1], [1, 2, 3, 1], [3, 0, 0, 0]]
for blank in [0, 4]:
    case(f"ctc_blank_{blank}", f'kind = "ctc"\nclasses = 5\nblank = {blank}', scores(6, 5 * 5), LABELS if blank == 0 else [
        [0, 2, -1, -1], [2, 2, 1, -1], [3, 3, -1, -1], [-1, -1, -1, -1], [1, 2, 3, 0], [3, 4, 4, 4],
    ], lambda x, t, blank=blank: ctc(x, t, 5, blank))
long = random.normal(size=[2, 60 * 3]) * 5
case("ctc_long", 'kind = "ctc"\nclasses = 3', long, [[1, 1, 2] * 8, [2] * 20 + [-1] * 4], lambda x, t: ctc(x, t, 3, 0))
far = [[1e4, -1e4, 0, -1e4, 1e4, 0, 0, 1e4, -1e4]]
case("ctc_far", 'kind = "ctc"\nclasses = 3', far, [[2, -1]], lambda x, t: ctc(x, t, 3, 0))

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
