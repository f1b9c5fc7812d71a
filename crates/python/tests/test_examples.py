"""The programs in `examples` do what they show."""

from __future__ import annotations

import pathlib

from watched import forked, run

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def test_the_logarithm_of_zero_is_named_with_its_line(tmp_path: pathlib.Path) -> None:
    script = EXAMPLES / "log_of_zero.py"
    report = run(script, tmp_path).report
    assert report["causes"][0]["slug"] == "log-of-nonpositive"
    line = int(report["incident"]["source"].rpartition(":")[2])
    assert "torch.log(probabilities)" in script.read_text().splitlines()[line - 1]


def test_a_loop_that_is_watched_from_within(tmp_path: pathlib.Path) -> None:
    code = (EXAMPLES / "watch_a_loop.py").read_text()
    exit_code, out, err = forked(lambda: exec(compile(code, "watch_a_loop.py", "exec"), {"__name__": "__main__"}), tmp_path)
    assert exit_code == 0, err
    assert "healthy" in out and "rules that were checked" in out
