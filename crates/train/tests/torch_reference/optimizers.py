"""Writes optimizers.json: what PyTorch's optimizers make of a small weight with given gradients, each with the `[optimizer]` table that
asks for the same. QHAdam, SGDW and Lookahead, which torch does not have, are loops written from their papers' formulas.

All of it is in double precision. Run it with any Python that has torch and numpy: `python optimizers.py`.
"""

import json
import pathlib

import numpy
import torch

STEPS = 12
SHAPE = [2, 3]
RATES = [0.05 * (1 + step % 4) for step in range(STEPS)]

random = numpy.random.default_rng(5)
WEIGHT = random.normal(size=SHAPE).astype(numpy.float32)
# One element has gradients that are tiny, so that epsilon counts.
GRADIENTS = (random.normal(size=[STEPS, *SHAPE]) * [[[1, 1, 1e-7], [3, 0.1, 1]]]).astype(numpy.float32)


def by_torch(make, scheduler=None):
    """The weight after each step of an optimizer of torch, with the rates and momenta that were used."""
    weight = torch.nn.Parameter(torch.tensor(WEIGHT, dtype=torch.float64))
    optimizer = make([weight])
    schedule = scheduler(optimizer) if scheduler else None
    group = optimizer.param_groups[0]
    rates, momenta, weights = [], [], []
    for step in range(STEPS):
        if schedule is None:
            group["lr"] = RATES[step]
        rates.append(float(group["lr"]))
        momenta.append(float(group["betas"][0] if "betas" in group else group["momentum"]) if schedule else None)
        weight.grad = torch.tensor(GRADIENTS[step], dtype=torch.float64)
        optimizer.step()
        if schedule and step + 1 < STEPS:
            schedule.step()
        weights.append(weight.detach().flatten().tolist())
    return {"rates": rates, "momenta": momenta, "weights": weights}


def by_hand(rule, lookahead=None):
    """The same of a rule `(weight, gradient, rate, step) -> weight`, with slow weights after every `lookahead[0]` steps."""
    weight = WEIGHT.astype(numpy.float64)
    slow, weights = weight, []
    for step in range(1, STEPS + 1):
        weight = rule(weight, GRADIENTS[step - 1].astype(numpy.float64), RATES[step - 1], step)
        if lookahead and step % lookahead[0] == 0:
            slow = slow + lookahead[1] * (weight - slow)
            weight = slow
        weights.append(weight.flatten().tolist())
    return {"rates": RATES, "momenta": [None] * STEPS, "weights": weights}


class QHAdam:
    """Ma and Yarats 2019, algorithm 2; the decay is added to the gradient."""

    def __init__(self, beta1, beta2, nu1, nu2, epsilon=1e-8, decay=0.0):
        self.beta1, self.beta2, self.nu1, self.nu2, self.epsilon, self.decay = beta1, beta2, nu1, nu2, epsilon, decay
        self.mean = self.square = 0.0

    def __call__(self, weight, gradient, rate, step):
        gradient = gradient + self.decay * weight
        self.mean = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.square = self.beta2 * self.square + (1 - self.beta2) * gradient**2
        mean = self.mean / (1 - self.beta1**step)
        square = self.square / (1 - self.beta2**step)
        above = (1 - self.nu1) * gradient + self.nu1 * mean
        below = numpy.sqrt((1 - self.nu2) * gradient**2 + self.nu2 * square) + self.epsilon
        return weight - rate * above / below


class SGDW:
    """Loshchilov and Hutter 2019, algorithm 1, with the rate outside the momentum and times the decay, as torch has it in AdamW."""

    def __init__(self, momentum, decay=0.0, nesterov=False):
        self.momentum, self.decay, self.nesterov, self.velocity = momentum, decay, nesterov, 0.0

    def __call__(self, weight, gradient, rate, step):
        self.velocity = self.momentum * self.velocity + gradient
        direction = gradient + self.momentum * self.velocity if self.nesterov else self.velocity
        return weight - rate * self.decay * weight - rate * direction


def plain(weight, gradient, rate, step):
    return weight - rate * gradient


def of_torch():
    optim = torch.optim
    one_cycle = lambda o: optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=STEPS)
    yield 'kind = "sgd"', lambda w: optim.SGD(w), None
    yield 'kind = "sgd"\nweight_decay = 0.1', lambda w: optim.SGD(w, weight_decay=0.1), None
    yield 'kind = "sgd"\nmomentum = 0.9', lambda w: optim.SGD(w, momentum=0.9), None
    yield (
        'kind = "sgd"\nmomentum = 0.8\nnesterov = true\nweight_decay = 0.05',
        lambda w: optim.SGD(w, momentum=0.8, nesterov=True, weight_decay=0.05),
        None,
    )
    yield 'kind = "sgd"\nmomentum = 0.9', lambda w: optim.SGD(w, momentum=0.9), one_cycle
    for name, make in [("adam", optim.Adam), ("radam", optim.RAdam), ("nadam", optim.NAdam)]:
        yield f'kind = "{name}"', lambda w, make=make: make(w), None
        yield (
            f'kind = "{name}"\nbeta1 = 0.8\nbeta2 = 0.9\nepsilon = 1e-4\nweight_decay = 0.1',
            lambda w, make=make: make(w, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.1),
            None,
        )
    yield 'kind = "adam"', lambda w: optim.Adam(w), one_cycle
    yield 'kind = "radam"\nbeta2 = 0.99', lambda w: optim.RAdam(w, betas=(0.9, 0.99)), one_cycle
    yield 'kind = "nadam"\nmomentum_decay = 0.05', lambda w: optim.NAdam(w, momentum_decay=0.05), None
    yield 'kind = "adamw"\nweight_decay = 0.2', lambda w: optim.AdamW(w, weight_decay=0.2), None
    yield (
        'kind = "adamw"\nbeta1 = 0.7\nbeta2 = 0.95\nepsilon = 1e-3\nweight_decay = 0.01',
        lambda w: optim.AdamW(w, betas=(0.7, 0.95), eps=1e-3, weight_decay=0.01),
        None,
    )
    yield 'kind = "rmsprop"', lambda w: optim.RMSprop(w, alpha=0.9), None
    yield (
        'kind = "rmsprop"\nalpha = 0.99\nepsilon = 1e-3\nmomentum = 0.6\nweight_decay = 0.1',
        lambda w: optim.RMSprop(w, alpha=0.99, eps=1e-3, momentum=0.6, weight_decay=0.1),
        None,
    )


def of_papers():
    yield 'kind = "qhadam"', QHAdam(0.995, 0.999, 0.7, 1.0), None
    yield (
        'kind = "qhadam"\nbeta1 = 0.9\nbeta2 = 0.98\nnu1 = 0.8\nnu2 = 0.7\nepsilon = 1e-5\nweight_decay = 0.1',
        QHAdam(0.9, 0.98, 0.8, 0.7, 1e-5, 0.1),
        None,
    )
    yield 'kind = "sgdw"\nmomentum = 0.9\nweight_decay = 0.3', SGDW(0.9, 0.3), None
    yield 'kind = "sgdw"\nmomentum = 0.5\nnesterov = true\nweight_decay = 0.1', SGDW(0.5, 0.1, True), None
    yield 'kind = "sgd"\nlookahead_steps = 5', plain, (5, 0.5)
    yield 'kind = "sgd"\nmomentum = 0.9\nlookahead_steps = 3\nlookahead_alpha = 0.8', SGDW(0.9), (3, 0.8)
    yield 'kind = "qhadam"\nlookahead_steps = 4\nlookahead_alpha = 0.25', QHAdam(0.995, 0.999, 0.7, 1.0), (4, 0.25)


def main():
    courses = [{"optimizer": table, **by_torch(make, scheduler)} for table, make, scheduler in of_torch()]
    courses += [{"optimizer": table, **by_hand(rule, lookahead)} for table, rule, lookahead in of_papers()]
    reference = {
        "torch": torch.__version__,
        "shape": SHAPE,
        "weight": WEIGHT.flatten().tolist(),
        "gradients": GRADIENTS.reshape(STEPS, -1).tolist(),
        "courses": courses,
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(reference).replace(', {"optimizer"', ',\n{"optimizer"') + "\n")


if __name__ == "__main__":
    # NAdam of torch keeps the product of its momenta in the default precision.
    torch.set_default_dtype(torch.float64)
    main()
