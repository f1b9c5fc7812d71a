"""The native module: statistics of tensors, the session that measures, judges and logs, and the command line."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, TypeAlias, TypedDict, final

__version__: str

_Told: TypeAlias = tuple[str, str, int, str]
"""A finding: severity, code, step and message."""

class _Seen(TypedDict):
    """Where a run broke."""

    step: int
    phase: str
    operation: str
    site: str
    source: tuple[str, int, str] | None
    """File, line and what stands there."""
    rows: Sequence[int]
    row_count: int
    inputs: Sequence[Statistics]
    victims: int
    doubt: str
    """Why it is not certain; empty where the operation was seen when it ran."""
    repeated: bool
    """Whether the forward pass was repeated, and gave the same output bits."""

@final
class Statistics:
    """The statistics of one tensor, gathered in one pass over its memory.

    Moments, norms and extremes are over the finite elements, counts over all. Without a finite element they are 0.
    """

    @property
    def shape(self) -> list[int]:
        """Shape of the tensor."""

    @property
    def count(self) -> int:
        """Elements, finite or not."""

    @property
    def nan(self) -> int:
        """NaN elements."""

    @property
    def pos_inf(self) -> int:
        """Elements that are +Inf."""

    @property
    def neg_inf(self) -> int:
        """Elements that are -Inf."""

    @property
    def non_finite(self) -> int:
        """NaN and infinite elements."""

    @property
    def zeros(self) -> int:
        """Elements that are +0 or -0."""

    @property
    def negatives(self) -> int:
        """Finite elements below zero."""

    @property
    def min(self) -> float:
        """Smallest finite element."""

    @property
    def max(self) -> float:
        """Largest finite element."""

    @property
    def mean(self) -> float:
        """Mean of the finite elements."""

    @property
    def std(self) -> float:
        """Population standard deviation of the finite elements."""

    @property
    def rms(self) -> float:
        """Root mean square of the finite elements."""

    @property
    def l1(self) -> float:
        """Sum of magnitudes."""

    @property
    def l2(self) -> float:
        """Euclidean norm, accumulated in double precision."""

    @property
    def abs_max(self) -> float:
        """Largest magnitude."""

    @property
    def histogram(self) -> list[int]:
        """Counts by log2 of the magnitude: bin 0 zeros, bin 1 below 2**-40, bins 2 to 62 one octave each, bin 63 from
        2**21 up."""

def statistics(tensor: Any, name: str = "") -> Statistics:
    """The statistics of a tensor of torch on the CPU, or of a numpy array, in one pass over its memory.

    Raises TypeError for anything but a dense array of float16, bfloat16, float32 or float64.
    """

def set_torch(dtypes: Sequence[Any], types: Sequence[type], grad_enabled: Callable[[], bool]) -> None:
    """Tells which objects are torch's dtypes: float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8,
    bool; which are its own types of tensors; and its function that says whether gradients are recorded."""

def is_finite(tensor: Any) -> bool:
    """Whether every element of a tensor is finite. `True` for what cannot be read: a tensor of integers, or on an
    accelerator."""

def bad_rows(tensor: Any, rows: int) -> tuple[list[int], int]:
    """The rows of a tensor `[rows, ...]` that hold a non-finite element: the first 16, and how many there are."""

def is_running(folder: str | PathLike[str]) -> bool:
    """Whether a process is writing the log in this folder."""

def command_line(arguments: Sequence[str | bytes | PathLike[str]]) -> int:
    """Runs `barograph` with these arguments, the first being its name. Returns the exit code."""

@final
class ModuleHooks:
    """Hooks of modules for one supervisor: what is the same from step to step is done here, the rest by the slow path."""

    stack: list[Any]
    """Modules below the model that loop code called, that one first."""
    quiet: bool
    """Whether nothing is to be seen."""
    reads_modules: bool
    """Whether the results of modules are read at the moment."""
    fast: bool
    """Whether all that is read now is read here: on the CPU, in a step without readings per unit, with no mode above."""

    def __new__(
        cls,
        session: Session,
        enter_slowly: Callable[[Any, Any], None],
        leave_slowly: Callable[[Any, Any, Any, Any], None],
        begin_slowly: Callable[[Any], None],
    ) -> ModuleHooks:
        """Where the call of a model was expected and turned out to be unlike the one before, `begin_slowly(module)` comes first,
        before `leave_slowly`."""

    def expect(self, model: int, input: int | None) -> None:
        """The next call of a model is to be that of the model with this `id`, with gradients, on the CPU, and all that is read in
        it can be read here. `input` is the site of its input, if that has numbers with a fraction."""

    def expect_nothing(self) -> None:
        """Nothing is known of the next call of a model."""

    def taken(self) -> tuple[Any, tuple[Any, ...], Any] | None:
        """The call of a model that was expected, if it was made: the model, what went in, and what came out. It is given once."""

    def see_answers(self, output: int, target: int, targets: Any, logits: bool) -> bool:
        """Reads what the model that was expected has put out, at the site `output`, beside the targets of this step at theirs; see
        `Session.see_answers`. Returns whether it was called."""
    def passes(self, module: int) -> None:
        """The module with this `id` needs nothing done when it ends."""

    def is_function(self, module: int) -> None:
        """The module with this `id` is an activation function."""

    def is_layer(self, module: int, layer: Any, site: int, linear: bool) -> None:
        """The module with this `id` is a layer that is read at `site`; `linear` if no activation function follows."""

    def forget(self, module: int, _reference: object = None) -> None:
        """The module with this `id` is gone, or is to be looked at by the slow path again."""

    def clear(self) -> None:
        """No layer waits for its activation function."""

    def maker(self, tensor: Any) -> Any:
        """The layer whose latest result `tensor` is."""

    def take_seconds(self) -> float:
        """Seconds that were spent here since this was asked last."""

    def enter(self, module: Any, args: Any) -> None:
        """A module is called."""

    def leave(self, module: Any, args: Any, kwargs: Any, out: Any) -> None:
        """A module has its result."""

class Session:
    """Measures, judges and logs one run. Between `begin_step` and `end_step`, tensors are read in the order in which
    they are made."""

    def __new__(
        cls,
        name: str,
        folder: str | PathLike[str] | None,
        framework: str,
        started: int,
        log_cap: int | None = None,
        run: str | PathLike[str] | None = None,
    ) -> Session:
        """Starts a run. Without a folder, or where the folder cannot be used, there is no log; see `log_trouble`.

        `run` is the folder of the logs of all ranks, where this one is that of a rank; once it is closed, reports are on all
        of them."""

    def site(self, path: str, units: int, shape: Sequence[int]) -> int:
        """The number of the site with this path; `units` and `shape` count when it is new."""

    def fact(self, key: str, value: bool | float | str, provenance: str = "inferred", site: int | None = None) -> None:
        """Writes down what is known of the run, or of the layer at `site`."""

    def begin_step(self, step: int, epoch: int) -> bool:
        """Begins a step. Returns whether updates and units are measured in it."""

    @staticmethod
    def due(step: int) -> bool:
        """Whether `step` is one at which updates and units are measured."""

    def read(self, site: int, role: int, tensor: Any) -> int:
        """Reads a tensor. Returns how many of its elements are not finite; 0 for what cannot be read."""

    def read_once(self, site: int, role: int, tensor: Any) -> bool:
        """Reads a tensor, unless this site and role were read in this step already: of accumulated batches, the first
        counts. Returns whether it was read already."""

    @staticmethod
    def gradients_are_finite(parameters: Sequence[Any]) -> bool | None:
        """Whether the gradients of parameters that are trained are finite; `None` if one cannot be read here, as on an
        accelerator."""

    def read_gradients(self, sites: Sequence[int], parameters: Sequence[Any]) -> int:
        """Reads the gradients of parameters that are trained, one a site, and their global norm. Returns how many elements
        are not finite."""

    def read_all(self, sites: Sequence[int], role: int, tensors: Sequence[Any]) -> tuple[int, float]:
        """Reads tensors of one role, one a site; `None` stands for a tensor that is missing.

        Returns how many elements are not finite, and the Euclidean norm over all tensors, NaN if one is not.
        """

    def take(self, site: int, role: int, figures: Sequence[float]) -> int:
        """Takes in the statistics of a tensor that were gathered where it lives: 14 figures and 64 bins."""

    @staticmethod
    def checksum(tensors: Sequence[Any]) -> int | None:
        """A checksum of the bits of these tensors, in their order; below 2**53. `None` if one of them cannot be read."""

    def read_update(self, site: int, new: Any, old: Any) -> None:
        """Reads `new - old` in one pass over both."""

    def read_units(self, site: int, role: int, tensor: Any, layout: tuple[int, int, int]) -> None:
        """Reads an activation `[batch, units, inner]` per unit."""

    def read_weight_units(self, site: int, tensor: Any, units: int) -> None:
        """Reads a weight `[units, ...]` per unit."""

    def relabel(self, site: int, old: int, new: int, /) -> None:
        """Gives this step's readings at a site another role."""

    def scalar(self, name: str, value: float) -> None:
        """Takes in a number of the step."""

    def see_answers(
        self,
        site: int,
        outputs: Any,
        shape: tuple[int, int],
        targets: tuple[int, Any] | None,
        columns: int,
        logits: bool,
    ) -> bool:
        """Reads outputs `[rows, ..., width]` and targets `[rows, columns]` with their site, and what they say beside each other,
        unless outputs were read in this step already. `shape` holds rows and width. Returns whether they were."""

    def see_data(self, inputs: Any, features: int, targets: Any, columns: int, outputs: int) -> bool:
        """Feeds a batch of the first epoch to the reading of the data. Returns whether more is wanted."""

    def rows_seen(self) -> int:
        """Rows of the first epoch, as far as they were seen."""

    def is_broken(self) -> bool:
        """Whether the loss, a gradient, a weight or an update read in this step is not finite."""

    def go_on(self, loss: float, next: int, sites: Sequence[int], weights: Sequence[Any]) -> tuple[list[_Told], bool, int]:
        """Ends the step with this loss, and begins `next`. Returns the findings that are new, whether updates and units are measured in
        it, and, where they are not, how many elements of the weights that it begins with are not finite: one weight a site."""

    def end_step(self) -> list[_Told]:
        """Ends the step: writes it down and has it judged. Returns the findings that are new."""

    def end_epoch(self, epoch: int, steps: int, means: Sequence[tuple[str, float]]) -> list[_Told]:
        """Ends an epoch: means by name."""

    def incident(self, seen: _Seen | Mapping[str, Any]) -> list[_Told]:
        """Writes down at which step, and in which operation, the run broke."""

    def note(self, text: str) -> None:
        """Writes a remark into the log."""

    def dropped(self, count: int, reason: str) -> None:
        """Writes down that observations were left out."""

    def end(self, steps: int, reason: str) -> list[_Told]:
        """Ends the run: `completed`, `stopped`, `interrupted` or `failed`. Closes the log."""

    def log_trouble(self) -> str | None:
        """Why the log was lost, if it was."""

    def verdict(self) -> Literal["healthy", "unhealthy", "unsure"]:
        """The verdict so far."""

    def report(self, format: str) -> str:
        """The report as `terminal`, `json`, `markdown` or `html`."""
