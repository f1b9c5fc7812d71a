"""Watching a training of Hugging Face's Trainer.

    from barograph.transformers import Barograph

    trainer = Trainer(model, arguments, train_dataset=data, callbacks=[Barograph(report="report.html")])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from . import _measures
from ._hosted import Hosted, OnNonFinite
from ._torch import hooks
from ._watched import Finding, Watched
from .torch import NonFinite, watch

__all__ = ["Barograph", "Finding", "NonFinite"]


class Barograph(TrainerCallback):
    """Watches what `Trainer.train` trains, and says at its end how it went; what is computed stays as it is.

    It shows everything that `barograph.watch` shows of a loop of one's own: activations, gradients, weights and updates
    by layer, and the first bad operation. The losses are those that were differentiated: the Trainer's own log hides a
    NaN behind a mean, this does not. Gradients are read before they are clipped; with `gradient_accumulation_steps`, a
    step is one step of the optimizer. At each evaluation `eval_loss`, `eval_accuracy` and `eval_r2` are taken in, or,
    in a training without evaluations, the mean loss at the end of each epoch.

    It cannot see into a model that is compiled, and nothing of what an evaluation computes but its measures. Of a
    training in several processes, it watches the first. The Trainer does not tell its callbacks of an exception: after
    one, the report comes when the program ends or trains again.

    `name`, `run_dir`, `log`, `budget`, `on_nonfinite` and `on_finding` are those of `barograph.watch`; with `stop`,
    `NonFinite` leaves `train`. `report` is a file that is written at the end: .html, .json, .md or .txt. The report is
    printed to standard error unless `quiet`. Raises ValueError for a setting that does not exist.
    """

    def __init__(
        self,
        *,
        name: str = "transformers",
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
        self._epochs_seen = 0

    @property
    def run(self) -> Watched | None:
        """The run under way, or the last one, with `verdict`, `findings` and `report()`; `None` before the first."""
        return self._hosted.run

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        model = kwargs.get("model")

        def start(*, log: bool) -> Watched:
            return watch(*([] if model is None else [model]), log=log, **self._hosted.settings())

        self._hosted.begin(start)
        self._hosted.guarded(self._see_settings, args, state)

    def _see_settings(self, args: Any, state: Any) -> None:
        self._losses.take()
        self._epochs_seen = 0
        supervisor = hooks.supervisor()
        if supervisor is None:
            return
        # The optimizer was made before; until its first step nothing else would tell that there is one.
        supervisor.see_new_optimizer()
        # The Trainer divides each loss by the number of batches, or of tokens, that it accumulates.
        supervisor.adds_losses = args.gradient_accumulation_steps > 1
        supervisor.readings.fact("epochs", float(args.num_train_epochs), "declared")
        supervisor.readings.fact("steps", float(state.max_steps), "declared")
        supervisor.readings.fact("schedule", str(getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type)))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        supervisor = hooks.supervisor()
        if self._hosted.is_open and supervisor is not None:
            self._losses.add(supervisor.step_loss)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._hosted.is_open:
            self._hosted.guarded(self._end_epoch, kwargs.get("metrics") or {})

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # Where evaluations follow, the training's means are written down together with theirs.
        if self._hosted.is_open and getattr(args.eval_strategy, "value", args.eval_strategy) == "no":
            self._hosted.guarded(self._end_epoch, {})

    def _end_epoch(self, metrics: dict[str, Any]) -> None:
        means = {**_measures.means(metrics), **self._losses.take()}
        if self.run is not None and means:
            self.run.end_epoch(self._epochs_seen, means)
            self._epochs_seen += 1

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        stopped = control.should_training_stop and state.global_step < state.max_steps
        self._hosted.finish("stopped" if stopped else "completed")
