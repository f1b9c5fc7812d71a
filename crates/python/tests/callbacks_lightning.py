"""Trainings of Lightning with and without the callback. Prints what came of them as JSON."""

from __future__ import annotations

import json
import logging
import pathlib
import warnings
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

from barograph.lightning import Barograph

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)


class Regression(lightning.LightningModule):
    """A small network. With `breaks_at`, the logarithm of zero is part of the loss of that step."""

    def __init__(self, breaks_at: int | None = None, fails_at: int | None = None, manual: bool = False) -> None:
        super().__init__()
        hidden = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Dropout(0.05))
        self.network = torch.nn.Sequential(hidden, torch.nn.Linear(16, 1))
        self.breaks_at, self.fails_at = breaks_at, fails_at
        self.automatic_optimization = not manual
        self.losses: list[str] = []

    def training_step(self, batch: Any, _number: int) -> torch.Tensor:
        inputs, targets = batch
        answers = self.network(inputs)
        loss = torch.nn.functional.mse_loss(answers, targets)
        if self.global_step == self.breaks_at:
            loss = loss - torch.log(0 * answers.mean().abs())  # BAD
        if self.global_step == self.fails_at:
            raise RuntimeError("the module itself fails")
        self.losses.append(loss.item().hex())
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        if not self.automatic_optimization:
            optimizer = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return loss

    def validation_step(self, batch: Any, _number: int) -> None:
        inputs, targets = batch
        self.log("val/loss", torch.nn.functional.mse_loss(self.network(inputs), targets))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.02)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.8)}


def fit(module: Regression, *callbacks: Any, epochs: int = 2, **settings: Any) -> Regression:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, 4, generator=generator)
    data = TensorDataset(inputs, torch.tanh(inputs.sum(1, keepdim=True)))
    plain = dict.fromkeys(["logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"], False)
    trainer = lightning.Trainer(accelerator="cpu", max_epochs=epochs, callbacks=list(callbacks), **plain, **settings)
    trainer.fit(module, DataLoader(data, 8, shuffle=True), DataLoader(data, 16))
    return module


def bits(*callbacks: Any, manual: bool = False, **settings: Any) -> list[str]:
    """The losses and the final weights of a training, exactly."""
    lightning.seed_everything(0, verbose=False)
    module = fit(Regression(manual=manual), *callbacks, **settings)
    return [*module.losses, *(parameter.detach().numpy().tobytes().hex() for parameter in module.parameters())]


def same(**settings: Any) -> bool:
    return bits(**settings) == bits(Barograph(log=False, quiet=True, budget=None), **settings)


def report(callback: Barograph) -> dict[str, Any]:
    return json.loads(callback.run.report("json"))


def broken() -> dict[str, Any]:
    lightning.seed_everything(0, verbose=False)
    watching = Barograph(log=False, quiet=True, report="broken.json")
    fit(Regression(breaks_at=5), watching)
    return {"findings": watching.run.findings, "report": json.loads(pathlib.Path("broken.json").read_text())}


def healthy() -> dict[str, Any]:
    lightning.seed_everything(0, verbose=False)
    watching = Barograph(name="healthy", run_dir="healthy", report="healthy.html", budget=None)
    fit(Regression(), watching, epochs=10)
    return {"verdict": watching.run.verdict, "steps": watching.run.steps, "report": report(watching)}


def accumulated() -> dict[str, Any]:
    """The loss of the first step, and what Lightning computed for the batches of which it is made."""
    seen: list[float] = []

    class Noting(Barograph):
        def on_train_batch_end(self, *args: Any) -> None:
            super().on_train_batch_end(*args)
            seen.append(self.run._supervisor.step_loss)

    lightning.seed_everything(0, verbose=False)
    module = fit(Regression(), Noting(log=False, quiet=True), epochs=1, accumulate_grad_batches=2)
    first = [float.fromhex(loss) for loss in module.losses[:2]]
    return {"seen": seen[1], "expected": sum(first) / 2}


def stopped() -> list[Any]:
    """What leaves `fit` where it was asked to stop, and whether the weights are finite."""
    module = Regression(breaks_at=3)
    watching = Barograph(log=False, quiet=True, on_nonfinite="stop")
    try:
        fit(module, watching)
        return ["nothing"]
    except ArithmeticError as error:
        finite = all(bool(parameter.isfinite().all()) for parameter in module.parameters())
        return [type(error).__name__, finite, report(watching)["verdict"]]


def failed() -> list[Any]:
    """Whether an exception of the module comes through, and whether the report was written."""
    try:
        fit(Regression(fails_at=3), Barograph(log=False, quiet=True, report="failed.txt"))
    except RuntimeError as error:
        return [str(error), pathlib.Path("failed.txt").exists()]
    return ["nothing"]


def main() -> None:
    found = {
        "same": same(),
        "same_accumulated_and_clipped": same(accumulate_grad_batches=3, gradient_clip_val=0.1),
        "same_in_bfloat16": same(precision="bf16-mixed"),
        "same_by_hand": same(manual=True),
        "broken": broken(),
        "healthy": healthy(),
        "accumulated": accumulated(),
        "stopped": stopped(),
        "failed": failed(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
