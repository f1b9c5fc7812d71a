"""Keras on a backend that runs a step as one compiled function: what is seen is what lies between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from time import perf_counter
from typing import Any

import keras
import numpy

from .. import _runs
from .._native import Session
from .._torch.budget import FULL, Budget
from .._watched import Finding, Watched
from . import facts
from . import model as keras_model

_WEIGHT = 0
"""The role of weights, by its code."""


class ArrayRun(Watched):
    """A run whose losses and weights are read between the steps."""

    def __init__(
        self,
        model: Any,
        params: dict[str, Any],
        name: str,
        run_dir: str | None,
        log: bool,
        budget: float | None,
        stops: bool,
        on_finding: Callable[[Finding], None] | None,
    ) -> None:
        folder = (run_dir or _runs.next_free(name)) if log else None
        framework = f"keras {keras.__version__} on {keras.backend.backend()}"
        super().__init__(Session(name, folder, framework, int(time.time())), folder, on_finding)
        self._model = model
        self._stops = stops
        self._budget = Budget(budget)
        self._level = FULL
        self._step = 0
        self._epoch = 0
        self._batch = -1
        self._closed = False
        self._sites: list[tuple[int, Any]] = []
        self._old: list[numpy.ndarray] | None = None
        self._losses = _Losses(model)
        self._begun_at = perf_counter()
        self._know(params)
        self._begin()

    def _know(self, params: dict[str, Any]) -> None:
        found = facts.everything(self._model, params)
        loss = facts.loss(self._model)
        if loss is not None:
            found.update(loss=loss.name, loss_takes=loss.takes, loss_reduction=loss.reduction)
        for key, value in found.items():
            self._session.fact(key, value)

    def _know_weights(self) -> None:
        """Takes in the weights, once there are some: a backend may build the model only with the first batch."""
        for path, variable in keras_model.weights(self._model):
            shape = list(variable.shape)
            site = self._session.site(path, shape[-1] if len(shape) > 1 else 1, shape)
            self._session.fact("trainable", bool(variable.trainable), site=site)
            self._sites.append((site, variable))
        trained = [variable for _, variable in self._sites if variable.trainable]
        if trained:
            self._session.fact("parameters", float(sum(int(numpy.prod(v.shape)) for v in trained)), "measured")

    @property
    def steps(self) -> int:
        """Steps that were seen."""
        return self._step

    def begin_epoch(self, epoch: int) -> None:
        """An epoch begins: Keras counts batches and means anew."""
        self._epoch, self._batch = epoch, -1
        self._losses.forget()

    def end_batch(self, batch: int, logs: dict[str, Any]) -> None:
        """The steps up to `batch` of this epoch were done: one, or as many as one call of Keras's function does."""
        done, self._batch = max(1, batch - self._batch), batch
        # The numbers of a step are there when the step is done: to wait for them is not what supervision costs.
        mean = float(logs["loss"]) if "loss" in logs else None
        begun = perf_counter()
        if hasattr(self._model, "jax_state_sync"):
            self._model.jax_state_sync()
        broken = self._end_step(mean, done)
        now = perf_counter()
        self._budget.spent += now - begun
        self._level = self._budget.next_level(self._level, now - self._begun_at)
        self._begun_at = now
        self._begin()
        if self._stops and (broken or self._session.is_broken()):
            self._model.stop_training = True
        self._budget.spent += perf_counter() - now

    def _end_step(self, mean: float | None, done: int) -> bool:
        if mean is not None:
            self._session.scalar("loss", self._losses.latest(mean))
        rate = facts.learning_rate(self._model.optimizer)
        if rate is not None:
            self._session.scalar("learning_rate", rate)
        if done == 1:
            self._read_updates()
        broken = self._session.is_broken()
        for told in self._session.end_step():
            self._see(told)
        self._step += done
        return broken

    def _begin(self) -> None:
        """Begins the next step: the weights are read as it finds them."""
        self._session.begin_step(self._step, self._epoch)
        self._old = None
        if not self._sites:
            self._know_weights()
        if self._level != FULL or not self._sites:
            return
        arrays = [_array(variable) for _, variable in self._sites]
        self._session.read_all([site for site, _ in self._sites], _WEIGHT, arrays)
        if not self._session.due(self._step):
            return
        for (site, _), array in zip(self._sites, arrays):
            if array.ndim > 1:
                self._session.read_weight_units(site, numpy.moveaxis(array, -1, 0), array.shape[-1])
        # Copies, for a backend may use the memory of the old weights for the new ones.
        self._old = [numpy.array(array) for array in arrays]

    def _read_updates(self) -> None:
        for (site, variable), old in zip(self._sites, self._old or ()):
            self._session.read_update(site, _array(variable), old)

    def close(self, end: str = "completed") -> None:
        """Ends supervision: `completed`, `stopped`, `interrupted` or `failed`. The second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._session.is_broken() and not any(finding.severity == "error" for finding in self.findings):
            # The last step left weights that are not finite, and no step follows in which they would be met.
            for told in self._session.end_step():
                self._see(told)
        thinned = self._budget.thinned()
        if thinned:
            self._session.dropped(*thinned)
        for told in self._session.end(self._step, end):
            self._see(told)


class _Losses:
    """Takes the losses of single batches out of the running means that Keras gives."""

    def __init__(self, model: Any) -> None:
        means = (metric for metric in model.metrics if metric.name == "loss")
        self._mean = next((m for m in means if hasattr(m, "total") and hasattr(m, "count")), None)
        self.forget()

    def forget(self) -> None:
        """The mean begins anew."""
        self._total = self._count = 0.0

    def latest(self, mean: float) -> float:
        """The loss since the last call; the running mean itself, where Keras does not say what it is the mean of."""
        if self._mean is None:
            return mean
        total, count = float(self._mean.total), float(self._mean.count)
        added, rows = total - self._total, count - self._count
        self._total, self._count = total, count
        return added / rows if rows > 0 else mean


def _array(variable: Any) -> numpy.ndarray:
    array = numpy.asarray(keras.ops.convert_to_numpy(variable))
    # numpy itself has no bfloat16, and its extensions do not say so in a way that is read.
    return array.astype(numpy.float32) if array.dtype.name == "bfloat16" else array
