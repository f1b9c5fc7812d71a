"""The magics of a notebook, in IPython's shell."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("IPython")

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from barograph._torch import hooks
from watched import forked

TRAINING = """
import torch
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
for _ in range(30):
    inputs = torch.randn(8, 3)
    optimizer.zero_grad()
    loss = ((model(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean()
    loss.backward()
    optimizer.step()
"""
HEALTHY, SICK = TRAINING.replace("RATE", "0.1"), TRAINING.replace("RATE", "1e5")


class Page:
    """A notebook: cells go in, what they print and display comes out."""

    def __init__(self) -> None:
        # What is displayed goes to the one instance.
        self.shell = InteractiveShell.instance()
        self.result: Any = None
        self.shown: list[Any] = []

    def __call__(self, cell: str) -> str:
        with capture_output() as captured:
            self.result = self.shell.run_cell(cell)
        self.shown = captured.outputs
        return captured.stdout + captured.stderr + "".join(o.data.get("text/plain", "") for o in captured.outputs)


@pytest.fixture
def page(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.chdir(tmp_path)
    made = Page()
    yield made
    made("%unload_ext barograph")
    InteractiveShell.clear_instance()
    assert hooks.supervisor() is None


def test_it_watches_from_the_start(page: Page, tmp_path: pathlib.Path) -> None:
    assert page("%load_ext barograph") == ""
    assert "no training step was seen yet" in page("%barograph")
    page(HEALTHY)
    assert page.result.success
    assert "30 steps" in page("%barograph")
    assert "healthy" in page("%barograph stop")
    assert os.listdir(tmp_path / "runs") == ["notebook-001"]
    # The report can still be looked at.
    assert "healthy" in page("%barograph")


def test_the_report_is_shown_in_each_of_its_forms(page: Page) -> None:
    page("%load_ext barograph")
    page(SICK)
    page("%barograph stop")
    (shown,) = page.shown
    assert set(shown.data) == {"text/plain", "text/markdown", "text/html"}
    assert "error[LOS" in shown.data["text/plain"]
    assert shown.data["text/markdown"].startswith("## error")
    frame = shown.data["text/html"]
    assert frame.startswith('<iframe sandbox="" ') and frame.count("<") == 2, "the page must not leave its frame"


def test_a_new_run_begins_on_demand(page: Page, tmp_path: pathlib.Path) -> None:
    page("%load_ext barograph")
    page(HEALTHY)
    assert "watching; log: runs" in page("%barograph start my net")
    page(SICK)
    assert "run my net" in page("%barograph stop") or "unhealthy" in page("%barograph")
    assert sorted(os.listdir(tmp_path / "runs")) == ["my-net-001", "notebook-001"]
    assert "usage" in page("%barograph begin")


def test_one_cell_is_a_run(page: Page, tmp_path: pathlib.Path) -> None:
    page("%load_ext barograph")
    said = page("%%barograph short\n" + HEALTHY + "print('done')\nfloat(loss) < 1")
    assert page.result.success
    assert "done" in said and "True" in said and "healthy" in said
    assert page.shell.user_ns["model"] is not None, "names of the cell are the notebook's"
    assert "short-001" in os.listdir(tmp_path / "runs")
    # Nothing is watched after the cell.
    assert hooks.supervisor() is None


@pytest.mark.parametrize("line, kind", [("1 / 0", ZeroDivisionError), ("raise KeyboardInterrupt", KeyboardInterrupt)])
def test_an_error_in_the_cell_stays_an_error(page: Page, line: str, kind: type[BaseException]) -> None:
    page("%load_ext barograph")
    said = page(f"%%barograph\n{HEALTHY}\n{line}")
    assert isinstance(page.result.error_in_exec, kind)
    assert said.count("Traceback") <= 1
    assert "healthy" in said
    page("1 / 0")
    assert isinstance(page.result.error_in_exec, ZeroDivisionError), "errors of later cells are shown as ever"
    assert "_showtraceback" not in vars(page.shell)


def test_a_mistake_in_writing_is_shown_once(page: Page) -> None:
    page("%load_ext barograph")
    said = page("%%barograph\nfor")
    assert isinstance(page.result.error_in_exec, SyntaxError)
    assert said.count("SyntaxError") == 1


def test_loading_twice_changes_nothing(page: Page, tmp_path: pathlib.Path) -> None:
    from barograph import load_ipython_extension

    page("%load_ext barograph")
    watching = hooks.supervisor()
    load_ipython_extension(page.shell)
    assert hooks.supervisor() is watching
    page("%unload_ext barograph")
    assert hooks.supervisor() is None
    assert "not found" in page("%barograph")
    page("%load_ext barograph")
    assert hooks.supervisor() is not watching


def test_a_file_in_place_of_the_folder(page: Page, tmp_path: pathlib.Path) -> None:
    (tmp_path / "runs").write_text("")
    assert "there is no log" in page("%load_ext barograph")
    page(HEALTHY)
    assert "healthy" in page("%barograph stop")


def test_it_waits_for_torch(tmp_path: pathlib.Path) -> None:
    package = pathlib.Path(sys.modules["barograph"].__file__ or "").parent.parent
    cells = ["%load_ext barograph", "%barograph", HEALTHY, "%barograph stop"]
    script = (
        f"import sys; sys.path[:0] = [{str(package)!r}]\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell()\n"
        f"results = [shell.run_cell(cell).success for cell in {cells!r}]\n"
        "assert all(results)\n"
    )

    def work() -> int:
        # A process that has not imported torch.
        os.execv(sys.executable, [sys.executable, "-c", script])

    code, out, err = forked(work, tmp_path)
    assert code == 0, err
    assert "watches from when torch is imported" in out
    assert "healthy" in out and "30 steps" in out
