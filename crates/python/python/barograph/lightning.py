"""Watching a training of Lightning.

    from barograph.lightning import Barograph

    trainer = Trainer(callbacks=[Barograph(report="report.html")])

It works with `lightning` and with `pytorch_lightning`: with the one that the program has imported already, or else that
is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _measures
from ._hosted import Hosted, OnNonFinite
from ._torch import hooks
from ._watched import Finding, Watched
from .torch import NonFinite, watch

if TYPE_CHECKING or ("pytorch_lightning" not in sys.modules or "lightning" in sys.modules):
    try:
        from lightning.pytorch import Callback
    except ModuleNotFoundError as missing:
        if missing.name not in ("lightning", "lightning.pytorch"):
            raise
        from pytorch_lightning import Callback
else:
    from pytorch_lightning import Callback

__all__ = ["Barograph", "Finding", "NonFinite"]


class Barograph(Callback):
    """Watches what `Trainer.fit` trains, and says at its end how it went; what is computed stays as it is.

    It shows everything that `barograph.watch` shows of a loop of one's own: activations, gradients, weights and updates
    by layer, and the first bad operation with its line in the `LightningModule`. Gradients are read before they are
    clipped; with `accumulate_grad_batches`, a step is one step of the optimizer and its loss the mean over the
    accumulated batches. At the end of each epoch the measures that the module has logged are taken in: `loss`, `acc`,
    `accuracy` and `r2`, with `train`, `val`, `valid` or `validation` before them, as in `val_loss` and `val/acc`.
    Measures under other names are not understood.

    It cannot see into a model that is compiled, nor into what `Trainer.test` and `Trainer.predict` do. Of a training in
    several processes, it watches the first. Where gradients are scaled (`precision="16-mixed"`), they are read as
    scaled.

    `name`, `run_dir`, `log`, `budget`, `on_nonfinite` and `on_finding` are those of `barograph.watch`; with `stop`,
    `NonFinite` leaves `fit`. `report` is a file that is written at the end: .html, .json, .md or .txt. The report is
    printed to standard error unless `quiet`. Raises ValueError for a setting that does not exist.
    """

    def __init__(
        self,
        *,
        name: str = "lightning",
        run_dir: str | None = None,
        log: bool = True,
        budget: float | None = 0.05,
        on_nonfinite: OnNonFinite = "report",
        on_finding: Callable[[Finding], None] | None = None,
        report: str | None = None,
        quiet: bool = False,
    ) -> None:
        super().__init__()
        self._hosted = Hosted(name, run_dir, log, budget, on_nonfinite, on_finding, report, quiet)
        self._losses = _measures.Mean()
        self._steps_seen = 0

    @property
    def run(self) -> Watched | None:
        """The run under way, or the last one, with `verdict`, `findings` and `report()`; `None` before the first."""
        return self._hosted.run

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.is_global_zero:
            return

        def start(*, log: bool) -> Watched:
            return watch(pl_module, *trainer.optimizers, log=log, **self._hosted.settings())

        self._hosted.begin(start)
        self._hosted.guarded(self._see_settings, trainer, pl_module)

    def _see_settings(self, trainer: Any, pl_module: Any) -> None:
        supervisor = hooks.supervisor()
        if supervisor is None:
            return
        # Lightning divides each loss by the number of batches that it accumulates.
        supervisor.adds_losses = bool(pl_module.automatic_optimization) and trainer.accumulate_grad_batches > 1
        if trainer.max_epochs is not None and trainer.max_epochs > 0:
            supervisor.readings.fact("epochs", float(trainer.max_epochs), "declared")
        self._losses.take()
        self._steps_seen = 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self._hosted.is_open:
            self._hosted.guarded(self._see_loss)

    def _see_loss(self) -> None:
        supervisor = hooks.supervisor()
        if supervisor is not None and supervisor.step > self._steps_seen:
            self._steps_seen = supervisor.step
            self._losses.add(supervisor.step_loss)

    # What validation computes belongs to no step.

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        self._rest(True)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        self._rest(False)

    def _rest(self, resting: bool) -> None:
        supervisor = hooks.supervisor()
        if self._hosted.is_open and supervisor is not None:
            supervisor.quiet = resting

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self._hosted.is_open:
            self._hosted.guarded(self._end_epoch, trainer)

    def _end_epoch(self, trainer: Any) -> None:
        # The loss that was differentiated comes before the one that was logged: a log may hold the last batch's only.
        means = {**_measures.means(trainer.callback_metrics), **self._losses.take()}
        if self.run is not None and means:
            self.run.end_epoch(trainer.current_epoch, means)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._hosted.finish("stopped" if trainer.should_stop else "completed")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._hosted.finish("interrupted" if isinstance(exception, KeyboardInterrupt) else "failed")
