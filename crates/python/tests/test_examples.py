"""The programs in `examples` do what they show."""

from __future__ import annotations

import os
import pathlib
import shutil

from watched import forked, run

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
README = pathlib.Path(__file__).parents[3] / "README.md"
OF_THE_PACKAGE = EXAMPLES.parent / "README.md"


def test_the_logarithm_of_zero_is_named_with_its_line(tmp_path: pathlib.Path) -> None:
    script = EXAMPLES / "log_of_zero.py"
    report = run(script, tmp_path).report
    assert report["causes"][0]["slug"] == "log-of-nonpositive"
    line = int(report["incident"]["source"].rpartition(":")[2])
    assert "torch.log(probabilities)" in script.read_text().splitlines()[line - 1]


def test_the_readme_shows_what_is_said_of_it(tmp_path: pathlib.Path) -> None:
    """`UPDATE_README=1` writes what is said now into the README."""
    shutil.copy(EXAMPLES / "log_of_zero.py", tmp_path)
    said = run("log_of_zero.py", tmp_path, options=("--no-log",)).err
    report = said[said.index("\nerror[") + 1 : said.index("\nunhealthy:")]
    verdict = next(line for line in said.splitlines() if line.startswith("unhealthy:"))
    block = f"```text\n{report}\n{verdict}\n```\n"
    readme = README.read_text()
    begin, end = readme.index("<!-- report-python:begin -->\n"), readme.index("<!-- report-python:end -->")
    begin += len("<!-- report-python:begin -->\n")
    if os.environ.get("UPDATE_README"):
        README.write_text(readme[:begin] + block + readme[end:])
        return
    assert readme[begin:end] == block
    shorter = OF_THE_PACKAGE.read_text().partition("```text\n")[2].partition("```")[0]
    assert shorter and report.startswith(shorter.rstrip())


def test_a_loop_that_is_watched_from_within(tmp_path: pathlib.Path) -> None:
    code = (EXAMPLES / "watch_a_loop.py").read_text()
    exit_code, out, err = forked(lambda: exec(compile(code, "watch_a_loop.py", "exec"), {"__name__": "__main__"}), tmp_path)
    assert exit_code == 0, err
    assert "healthy" in out and "rules that were checked" in out
