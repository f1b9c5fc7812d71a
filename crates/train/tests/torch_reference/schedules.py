"""Writes schedules.json: the learning rates (and momenta) of PyTorch's schedulers, each with the `[schedule]` table that asks for the same.

Run it with any Python that has torch: `python schedules.py`.
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler as torch_schedules

BASE = 0.2
STEPS = 60
STEPS_PER_EPOCH = 10


def curve(make, momentum=False):
    """What a scheduler does in `STEPS` steps."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=BASE, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for step in range(STEPS):
        if step > 0:
            optimizer.step()
            scheduler.step()
        rates.append(float(optimizer.param_groups[0]["lr"]))
        momenta.append(float(optimizer.param_groups[0]["momentum"]))
    return {"rates": rates, "momenta": momenta if momentum else None}


def warmed_up(steps, then):
    """Straight up over `steps`, then another scheduler from its own step 0."""

    def make(optimizer):
        climb = torch_schedules.LinearLR(optimizer, start_factor=1 / steps, end_factor=1.0, total_iters=steps - 1)
        return torch_schedules.SequentialLR(optimizer, [climb, then(optimizer)], milestones=[steps])

    return make


def piecewise(step):
    return 1.0 if step < 20 else 2.0 if step < 50 else 0.05


def cases():
    torch_ = torch_schedules
    yield 'kind = "constant"', lambda o: torch_.ConstantLR(o, factor=1.0), False
    yield 'kind = "step"\nevery = 2\nfactor = 0.3', lambda o: torch_.StepLR(o, 20, 0.3), False
    yield 'kind = "multistep"\nmilestones = [1, 3, 5]\nfactor = 0.5', lambda o: torch_.MultiStepLR(o, [10, 30, 50], 0.5), False
    yield 'kind = "multistep"\nmilestones = [7, 8]\nunit = "step"', lambda o: torch_.MultiStepLR(o, [7, 8], 0.1), False
    yield 'kind = "exponential"\nunit = "step"\nfactor = 0.9', lambda o: torch_.ExponentialLR(o, 0.9), False
    yield 'kind = "exponential"\nunit = "epoch"\nfactor = 0.5', lambda o: torch_.ExponentialLR(o, 0.5**0.1), False
    yield 'kind = "polynomial"', lambda o: torch_.PolynomialLR(o, STEPS, 1.0), False
    yield 'kind = "polynomial"\nsteps = 40\npower = 2.5', lambda o: torch_.PolynomialLR(o, 40, 2.5), False
    yield 'kind = "cosine"', lambda o: torch_.CosineAnnealingLR(o, STEPS), False
    yield 'kind = "cosine"\nfloor = 0.05', lambda o: torch_.CosineAnnealingLR(o, STEPS, 0.05 * BASE), False
    yield 'kind = "cosine_restarts"\nperiod = 2', lambda o: torch_.CosineAnnealingWarmRestarts(o, 20), False
    yield (
        'kind = "cosine_restarts"\nperiod = 7\nunit = "step"\nmultiplier = 2\nfloor = 0.01',
        lambda o: torch_.CosineAnnealingWarmRestarts(o, 7, 2, 0.01 * BASE),
        False,
    )
    for swing, gamma in [("triangular", 1.0), ("triangular2", 1.0), ("exp_range", 0.97)]:
        yield (
            f'kind = "cyclical"\nhalf_cycle = 8\nunit = "step"\nswing = "{swing}"\ngamma = {gamma}\nminimum = 0.2\nmaximum = 3',
            lambda o, swing=swing, gamma=gamma: torch_.CyclicLR(
                o, 0.2 * BASE, 3 * BASE, step_size_up=8, mode=swing, gamma=gamma, cycle_momentum=False
            ),
            False,
        )
    yield 'kind = "one_cycle"', lambda o: torch_.OneCycleLR(o, BASE, total_steps=STEPS), True
    yield (
        'kind = "one_cycle"\nsteps = 60\nwarmup_share = 0.45\ninitial_division = 10\nfinal_division = 100\nbase_momentum = 0.7\nmax_momentum = 0.99',
        lambda o: torch_.OneCycleLR(
            o,
            BASE,
            total_steps=STEPS,
            pct_start=0.45,
            div_factor=10,
            final_div_factor=100,
            base_momentum=0.7,
            max_momentum=0.99,
        ),
        True,
    )
    yield (
        'kind = "one_cycle"\nsteps = 60\ncycle_momentum = false',
        lambda o: torch_.OneCycleLR(o, BASE, total_steps=STEPS, cycle_momentum=False),
        False,
    )
    yield (
        'kind = "inverse_time"\nevery = 5\nunit = "step"\ndecay = 0.4',
        lambda o: torch_.LambdaLR(o, lambda step: 1 / (1 + 0.4 * step / 5)),
        False,
    )
    yield 'kind = "piecewise"\nboundaries = [2, 5]\nfactors = [2, 0.05]', lambda o: torch_.LambdaLR(o, piecewise), False
    yield 'kind = "constant"\nwarmup_steps = 12', warmed_up(12, lambda o: torch_.ConstantLR(o, factor=1.0)), False
    yield 'kind = "cosine"\nwarmup_steps = 15', warmed_up(15, lambda o: torch_.CosineAnnealingLR(o, STEPS - 15)), False
    yield (
        'kind = "step"\nevery = 11\nunit = "step"\nwarmup_steps = 5',
        warmed_up(5, lambda o: torch_.StepLR(o, 11, 0.1)),
        False,
    )


def main():
    curves = [{"schedule": table, **curve(make, momentum)} for table, make, momentum in cases()]
    reference = {
        "torch": torch.__version__,
        "learning_rate": BASE,
        "steps_per_epoch": STEPS_PER_EPOCH,
        "total_steps": STEPS,
        "curves": curves,
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(reference).replace(', {"schedule"', ',\n{"schedule"') + "\n")


if __name__ == "__main__":
    main()
