"""Watching a training of Keras 3, on each of its backends.

    from barograph.keras import Barograph

    model.fit(x, y, callbacks=[Barograph(report="report.html")])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from . import _measures
from ._hosted import Hosted, OnNonFinite
from ._watched import Finding, Watched

if TYPE_CHECKING:
    from ._keras.on_arrays import ArrayRun
    from ._keras.on_torch import OnTorch

__all__ = ["Barograph", "Finding"]


class Barograph(keras.callbacks.Callback):
    """Watches what `Model.fit` trains, and says at its end how it went; what is computed stays as it is.

    On the torch backend it shows everything that `barograph.watch` shows of a loop of one's own: activations,
    gradients, weights and updates by layer, and the first bad operation. On the jax and tensorflow backends, and on
    torch with `jit_compile=True`, a step is one compiled function: it shows the loss of each batch, the learning rate,
    weights and updates, and the step at which the loss or a weight broke, but neither gradients nor activations nor the
    operation. Keras gives running means of the loss; that of a single batch is computed from them, and after a NaN it
    is unknown until the epoch ends. With `steps_per_execution`, what lies between the calls is seen: one loss, the
    mean, for each call.

    At the end of each epoch, the loss, the accuracy and `r2_score` of training and validation are taken in. The
    measures of a step, and what `evaluate` and `predict` compute, are not.

    `name`, `run_dir`, `log`, `budget`, `on_nonfinite` and `on_finding` are those of `barograph.watch`, except that
    `stop` ends the training as Keras does, with `model.stop_training`. Where a step is one compiled function, `skip`
    and `rollback` would come too late and raise ValueError. `report` is a file that is written at the end: .html,
    .json, .md or .txt. The report is printed to standard error unless `quiet`. Keras does not tell its callbacks of an
    exception: after one, the report comes when the program ends or trains again. Raises ValueError for a setting that
    does not exist.
    """

    def __init__(
        self,
        *,
        name: str = "keras",
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
        if keras.backend.backend() != "torch":
            self._refuse_late()
        self._on_torch: OnTorch | None = None
        self._on_arrays: ArrayRun | None = None

    def _refuse_late(self) -> None:
        if self._hosted.on_nonfinite in ("skip", "rollback"):
            raise ValueError(
                f"on_nonfinite={self._hosted.on_nonfinite!r} needs the torch backend without jit_compile: elsewhere "
                "the weights have changed before the loss is known; use 'report' or 'stop'"
            )

    @property
    def run(self) -> Watched | None:
        """The run under way, or the last one, with `verdict`, `findings` and `report()`; `None` before the first."""
        return self._hosted.run

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._detach()
        step_is_compiled = keras.backend.backend() != "torch" or bool(self.model.jit_compile)
        if step_is_compiled:
            self._refuse_late()
            self._hosted.begin(self._watch_arrays)
        else:
            self._hosted.begin(self._watch_torch)
            if self._hosted.is_open:
                self._hosted.guarded(self._attach)

    def _watch_torch(self, *, log: bool) -> Watched:
        from .torch import watch

        return watch(log=log, **self._hosted.settings())

    def _attach(self) -> None:
        from ._keras.on_torch import OnTorch

        self._on_torch = OnTorch(self.model, self.params or {}, self._hosted.on_nonfinite)

    def _watch_arrays(self, *, log: bool) -> Watched:
        from ._keras.on_arrays import ArrayRun

        settings = self._hosted.settings()
        stops = settings.pop("on_nonfinite") == "stop"
        self._on_arrays = ArrayRun(self.model, self.params or {}, log=log, stops=stops, **settings)
        return self._on_arrays

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._on_arrays is not None:
            self._hosted.guarded(self._on_arrays.begin_epoch, epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._on_arrays is not None:
            self._hosted.guarded(self._on_arrays.end_batch, batch, logs or {})

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._on_torch is not None:
            self._on_torch.rest(True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._on_torch is not None:
            self._on_torch.rest(False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        means = self._hosted.guarded(_measures.means, logs or {})
        if self.run is not None and self._hosted.is_open and means:
            self._hosted.guarded(self.run.end_epoch, epoch, means)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._detach()
        self._hosted.finish("stopped" if self.model.stop_training else "completed")

    def _detach(self) -> None:
        if self._on_torch is not None:
            self._hosted.guarded(self._on_torch.detach)
        self._on_torch = self._on_arrays = None
