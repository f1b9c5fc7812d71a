"""Several processes that train together: each writes its own log, and one report is on all of them."""

from __future__ import annotations

import json
import os
import pathlib
import runpy
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch._dynamo  # noqa: F401 - optimizers import it; once, before the forks
import torch.distributed.fsdp  # noqa: F401 - the same

import barograph._native as native
import barograph._ranks as ranks
import barograph._run
import barograph._torch.hooks  # noqa: F401 - it tells the native module the types of torch
from barograph._torch.ranks import checksum_on_device
from watched import _become

SCRIPT = pathlib.Path(__file__).parent / "distributed.py"
WORLD = 4


@dataclass
class Process:
    """What one rank left behind."""

    code: int
    out: str
    err: str


def launched(folder: pathlib.Path, work: Any, world: int = WORLD) -> list[Process]:
    """Does some work in forked processes, with the environment that `torchrun` would give them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(world):
        out, err = folder / f"out-{rank}.txt", folder / f"err-{rank}.txt"
        child = os.fork()
        if child == 0:
            numbers = {
                "RANK": rank,
                "LOCAL_RANK": rank,
                "WORLD_SIZE": world,
                "LOCAL_WORLD_SIZE": world,
                "MASTER_PORT": port,
            }
            os.environ.update({name: str(number) for name, number in numbers.items()}, MASTER_ADDR="127.0.0.1")
            _become(work, folder, out, err)
        children.append((child, out, err))
    ended = [(os.waitpid(child, 0)[1], out, err) for child, out, err in children]
    return [Process(os.waitstatus_to_exitcode(status), out.read_text(), err.read_text()) for status, out, err in ended]


def watched(folder: pathlib.Path, kind: str, *options: str, world: int = WORLD) -> list[Process]:
    """Runs the training under `barograph run`; its report is then in report.json."""
    command = [*options, "--report", "report.json", str(SCRIPT), kind]
    processes = launched(folder, lambda: barograph._run.main(command), world)
    assert [process.code for process in processes] == [0] * world, [process.err for process in processes]
    return processes


def plainly(kind: str) -> None:
    sys.argv = [str(SCRIPT), kind]
    runpy.run_path(str(SCRIPT), run_name="__main__")


def diagnosed(run: pathlib.Path) -> dict[str, Any]:
    """What `barograph diagnose` says of a run."""
    command = [sys.executable, "-m", "barograph", "diagnose", str(run), "--format", "json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def reported(folder: pathlib.Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def finding(report: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(finding for finding in report["findings"] if finding["name"] == name)
    return found


def names(report: dict[str, Any]) -> list[str]:
    return [finding["name"] for finding in report["findings"]]


def test_ranks_that_are_kept_equal_are_healthy(tmp_path: pathlib.Path) -> None:
    processes = watched(tmp_path, "ddp")
    report = reported(tmp_path)
    assert report["verdict"] != "unhealthy"
    assert not {"ranks-differ", "rank-straggles", "rank-not-finite-first"} & set(names(report))
    assert {"ranks-differ", "rank-straggles", "rank-not-finite-first"} <= set(report["checked"])
    folders = sorted(path.name for path in (tmp_path / "runs" / "distributed-001").iterdir())
    assert folders == [f"rank={rank:05d}" for rank in range(WORLD)]
    assert "log: runs/distributed-001 " in processes[0].err
    assert [process.err for process in processes[1:]] == ["", "", ""]
    assert diagnosed(tmp_path / "runs" / "distributed-001") == report
    watched(tmp_path, "by hand")
    assert reported(tmp_path)["verdict"] != "unhealthy"
    listed = subprocess.run(
        [sys.executable, "-m", "barograph", "runs"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert listed.stdout.count("distributed-001") == listed.stdout.count("distributed-002") == 1
    assert "rank=" not in listed.stdout


def test_replicas_of_different_seeds_are_found(tmp_path: pathlib.Path) -> None:
    watched(tmp_path, "seeds", "--run-dir", "here")
    report = reported(tmp_path)
    differ = finding(report, "ranks-differ")
    assert (differ["step"], report["causes"][0]["slug"]) == (0, "ranks-diverged")
    assert differ["message"] == "ranks 0, 1, 2 and 3 hold different weights from the first check on"
    assert (tmp_path / "here" / "rank=00003").is_dir() and not (tmp_path / "runs").exists()


def test_a_bad_batch_on_one_rank_is_traced_to_it(tmp_path: pathlib.Path) -> None:
    processes = watched(tmp_path, "nan")
    report = reported(tmp_path)
    first = finding(report, "rank-not-finite-first")
    assert (first["step"], first["severity"], report["verdict"]) == (7, "error", "unhealthy")
    assert first["message"] == "rank 2 broke first: its loss is not finite; ranks 0, 1 and 3 followed in the same step"
    assert (report["incident"]["step"], report["incident"]["rows"]) == (7, [5])
    assert "the first bad operation is from the log of rank 2" in report["notes"]
    assert processes[2].err.count("\n") == 1 and processes[2].err.startswith("barograph: rank 2: step 7: error[LOS001]")


def test_a_replica_that_breaks_alone_makes_the_run_unhealthy(tmp_path: pathlib.Path) -> None:
    watched(tmp_path, "alone")
    report = reported(tmp_path)
    assert report["verdict"] == "unhealthy"
    assert finding(report, "rank-not-finite-first")["message"].endswith("ranks 0, 1 and 3 stayed finite")


def test_the_operation_within_a_model_is_found_without_the_other_ranks(tmp_path: pathlib.Path) -> None:
    watched(tmp_path, "logarithm")
    incident = reported(tmp_path)["incident"]
    assert (incident["step"], incident["operation"]) == (7, "log")
    assert "torch.log(x[:, :1])" in incident["source_text"]


@pytest.mark.parametrize("kind", ["slow", "slow by hand"])
def test_a_rank_that_sleeps_straggles(kind: str, tmp_path: pathlib.Path) -> None:
    watched(tmp_path, kind)
    report = reported(tmp_path)
    assert finding(report, "rank-straggles")["message"].startswith("rank 3 takes ")
    assert "ranks-differ" not in names(report)


@pytest.mark.parametrize("kind", ["fsdp", "fsdp with names", "fully_shard", "ddp"])
def test_results_are_those_without_supervision(kind: str, tmp_path: pathlib.Path) -> None:
    expected = [process.out for process in launched(tmp_path, lambda: plainly(kind), 2)]
    processes = watched(tmp_path, kind, world=2)
    assert [process.out for process in processes] == expected and all(expected)
    assert all("times)" not in process.err and "Error" not in process.err for process in processes), processes
    report = reported(tmp_path)
    assert "ranks-differ" not in names(report)
    assert ("ranks-differ" in report["checked"]) == (kind == "ddp")
    assert report["steps"] == 30


def test_ranks_that_watch_themselves_share_a_run(tmp_path: pathlib.Path) -> None:
    def work() -> None:
        import barograph

        net = torch.nn.Linear(3, 1)
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        for _ in range(2):  # two trainings, one after the other
            with barograph.watch(net, optimizer, name="both") as run:
                for _ in range(3):
                    optimizer.zero_grad()
                    net(torch.ones(2, 3)).square().mean().backward()
                    optimizer.step()
        print(run.folder)

    processes = launched(tmp_path, work, world=3)
    assert [process.code for process in processes] == [0, 0, 0], processes
    assert {process.out for process in processes} == {"runs/both-002\n"}
    for run in ("both-001", "both-002"):
        assert len(list((tmp_path / "runs" / run).iterdir())) == 3


def test_a_launcher_tells_the_ranks_who_they_are(tmp_path: pathlib.Path) -> None:
    command = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "barograph",
        "run",
        str(SCRIPT),
        "ddp",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stderr.count("log: runs/distributed-001 ") == 1, done.stderr
    assert len(list((tmp_path / "runs" / "distributed-001").iterdir())) == 2


def test_who_a_process_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, world, expected in [("2", "4", (2, 4)), ("0", "1", None), ("4", "4", None), ("x", "4", None)]:
        monkeypatch.setenv("RANK", number)
        monkeypatch.setenv("WORLD_SIZE", world)
        assert ranks.here() == expected


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_checksums_see_every_bit_and_the_order(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    first, second = torch.randn(7, 5).to(dtype), torch.randn(11).to(dtype)
    for checksum in (native.Session.checksum, checksum_on_device):
        expected = checksum([first, second])
        assert expected is not None and 0 <= expected < 1 << 53
        assert checksum([first.clone().t().contiguous().t(), second]) == expected
        others = [[second, first], [first], [first.t().contiguous(), second], [-first, second]]
        for row in range(7):
            changed = first.clone()
            changed[row, 2] = -changed[row, 2]
            others.append([changed, second])
        assert expected not in map(checksum, others)
        assert len(set(map(checksum, others))) == len(others)
    assert checksum_on_device([torch.ones(3, device="meta")]) is None
    assert native.Session.checksum([torch.ones(3, dtype=torch.int64)]) is None
