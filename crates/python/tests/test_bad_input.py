"""Whatever a script does, `barograph run` passes on its output and its exit code, and says in a line what it saw."""

from __future__ import annotations

import builtins
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from types import ModuleType

import pytest
import torch._dynamo  # noqa: F401 - optimizers import it; once, before the forks

import barograph
from watched import Ran, forked, run

PACKAGE = pathlib.Path(barograph.__file__).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

TRAIN = """
import torch
from torch import nn
def train(steps, model=None, rate=0.1):
    torch.manual_seed(0)
    model = model or nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), rate)
    for _ in range(steps):
        loss = model(torch.randn(16, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()
"""


def write(folder: pathlib.Path, text: str, name: str = "script.py") -> pathlib.Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def plainly(script: pathlib.Path, arguments: list[str]) -> int:
    """Runs a script as Python does."""
    sys.argv = [str(script), *arguments]
    sys.path[0] = str(script.parent)
    sys.modules["__main__"] = module = ModuleType("__main__")
    module.__dict__.update({"__builtins__": builtins, "__file__": str(script)})
    try:
        exec(compile(script.read_bytes(), str(script), "exec"), module.__dict__)
    except Exception as error:  # noqa: BLE001 - as the interpreter does it
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


def same(folder: pathlib.Path, text: str, *arguments: str, options: tuple[str, ...] = ()) -> Ran:
    """Runs a script with and without supervision: its exit code and output must be the same. Returns what was said."""
    for name in ("plain", "watched"):
        (folder / name).mkdir()
    script = write(folder, text)
    code, out, err = forked(lambda: plainly(script, [*arguments]), folder / "plain")
    ran = run(script, folder / "watched", *arguments, options=options)
    assert (ran.code, ran.out) == (code, out), ran.err + err
    assert "times)" not in ran.err and "the report failed" not in ran.err and "could not begin" not in ran.err, ran.err
    return ran


def started(folder: pathlib.Path, *command: str, **options: object) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": folder, "env": ENVIRONMENT, **options}
    return subprocess.Popen([sys.executable, *command], **pipes)  # type: ignore[call-overload]


def both(folder: pathlib.Path, script: str, *arguments: str, stdin: str = "") -> tuple[int, str, str, str]:
    """Runs a script in processes of its own, with and without supervision. Returns exit code, output, and both error outputs."""
    plain = started(folder, script, *arguments, stdin=subprocess.PIPE)
    watched = started(folder, "-m", "barograph", "run", script, *arguments, stdin=subprocess.PIPE)
    out, err = plain.communicate(stdin, 60)
    watched_out, watched_err = watched.communicate(stdin, 60)
    assert (watched.returncode, watched_out) == (plain.returncode, out), watched_err
    return watched.returncode, watched_out, err, watched_err


def diagnosis(folder: pathlib.Path) -> str:
    found = started(folder, "-m", "barograph", "diagnose", "runs/script-001")
    out, err = found.communicate(timeout=60)
    assert found.returncode in (0, 1), err
    return out + err


def own_frames(err: str) -> list[str]:
    """A traceback without the frames of libraries and the marks below them."""
    lines = re.sub(r'  File "[^"]*site-packages[^"]*".*\n(    .*\n)*', "", err).splitlines()
    return [line for line in lines if line and not line.strip().startswith(("^", "~"))]


# --- how scripts end

ENDINGS = {
    "an exception": ("def f():\n    raise ValueError('no')\ntrain(3)\nf()", 1),
    "an exception with a cause": ("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e", 1),
    "an exception in an operation": ("torch.nn.functional.relu(torch.ones(2), 1, 2)", 1),
    "an exception in a method": ("train(2)\ntorch.ones(2, 3).mm(torch.ones(2, 3))", 1),
    "an exception in a model": ("train(2, nn.Linear(5, 5))", 1),
    "an exception in the backward pass": ("x = torch.ones(2, requires_grad=True)\nx.sum().backward()\n(x * 2).backward()", 1),
    "an exception in a function with its own derivative": (
        "class F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        raise OSError('x')\nF.apply(torch.ones(1))",
        1,
    ),
    "a group of exceptions": ("raise ExceptionGroup('g', [ValueError(1), KeyError(2)])", 1),
    "a hook for exceptions": ("import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__)\ntrain(2)\nraise OSError", 1),
    "an exit code": ("import sys\ntrain(3)\nsys.exit(3)", 3),
    "an exit with a message": ("import sys\ntrain(3)\nsys.exit('bye')", 1),
    "an exit without a code": ("train(3)\nraise SystemExit", 0),
    "an abrupt exit": ("import os\ntrain(30)\nprint('out', flush=True)\nos._exit(4)", 4),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_how_it_ends(name: str, tmp_path: pathlib.Path) -> None:
    if "Group" in ENDINGS[name][0] and sys.version_info < (3, 11):
        pytest.skip("there are no groups of exceptions yet")
    text, code = ENDINGS[name]
    ran = same(tmp_path, TRAIN + text)
    assert ran.code == code
    plain = (tmp_path / "plain" / "stderr.txt").read_text()
    if "Traceback" in plain:
        expected, shown = own_frames(plain), own_frames(ran.err)
        assert shown[: len(expected)] == expected
    assert str(PACKAGE) not in ran.err


def test_an_abrupt_exit_leaves_a_log(tmp_path: pathlib.Path) -> None:
    write(tmp_path, TRAIN + "import os\ntrain(40)\nos._exit(4)")
    ran = run(tmp_path / "script.py", tmp_path)
    assert ran.code == 4
    assert "40 steps" in diagnosis(tmp_path) or "39" in diagnosis(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_signals(number: signal.Signals, tmp_path: pathlib.Path) -> None:
    write(tmp_path, TRAIN + "train(50)\nprint('ready', flush=True)\nwhile True:\n    train(1)")
    watched = started(tmp_path, "-m", "barograph", "run", "script.py")
    assert watched.stdout is not None and watched.stdout.readline() == "ready\n"
    time.sleep(0.3)
    watched.send_signal(number)
    _, err = watched.communicate(timeout=60)
    assert watched.returncode == -number, err
    if number == signal.SIGINT:
        assert err.count("Traceback") == 1 and "KeyboardInterrupt" in err
        assert str(PACKAGE) not in err
        assert "steps" in err
    assert re.search(r"\d\d+ steps", diagnosis(tmp_path))


def test_interrupt_as_a_model_goes(tmp_path: pathlib.Path) -> None:
    """Python drops what is raised in the callback of a weak reference, so none may be there to take a Ctrl-C."""
    script = """
        import _thread
        from collections import deque
        from operator import methodcaller
        import torch
        from torch import nn
        models = [nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.ReLU(), nn.Linear(8, 1))]
        optimizer = torch.optim.SGD(models[0].parameters(), 0.1)
        for _ in range(8):
            loss = models[0](torch.randn(16, 4)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        del loss, optimizer
        # The interrupt comes, and the model goes, with no line of Python in between.
        deque(map(methodcaller("__call__"), [_thread.interrupt_main, models.clear]), maxlen=0)
        print("the interrupt was lost")
    """
    write(tmp_path, script)
    code, out, _, watched = both(tmp_path, "script.py")
    assert code == -signal.SIGINT and out == ""
    assert "Exception ignored" not in watched and "8 steps" in watched


def test_interrupt_before_torch(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "raise KeyboardInterrupt")
    code, _, plain, watched = both(tmp_path, "script.py")
    assert code == -signal.SIGINT
    assert watched == plain + "barograph: nothing to report on script: it did not import torch\n"


# --- scripts that cannot run

UNUSABLE = {
    "a syntax error": b"x = (\n",
    "an indentation error": b"if True:\nx = 1\n",
    "not UTF-8": b"x = '\xff\xfe'\n",
    "another encoding": "# -*- coding: latin-1 -*-\nprint('h\xe9'.encode())\n".encode("latin-1"),
    "null bytes": b"x = 1\0\n",
    "nothing": b"",
    "a byte order mark": b"\xef\xbb\xbfprint('hello')\n",
    "line ends of Windows": b"x = 1\r\nprint(x)\r\n",
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_source(name: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "script.py").write_bytes(UNUSABLE[name])
    code, _, plain, watched = both(tmp_path, "script.py")
    if code:
        assert re.search("SyntaxError|IndentationError|ValueError", watched) and "Traceback" not in watched
        assert plain.count("script.py") == watched.count("script.py") or "null bytes" in plain
    assert watched.count("barograph: ") == 1, watched


def test_a_misspelled_option_is_suggested(tmp_path: pathlib.Path) -> None:
    watched = started(tmp_path, "-m", "barograph", "run", "--budgt", "3%", "script.py")
    _, err = watched.communicate(timeout=60)
    assert watched.returncode == 2 and "unrecognized arguments: --budgt; did you mean --budget?" in err


def test_missing_script_and_module(tmp_path: pathlib.Path) -> None:
    for command, expected in ((["script.py"], 2), (["-m", "no_such_module"], 1), (["."], 2)):
        watched = started(tmp_path, "-m", "barograph", "run", *command)
        _, err = watched.communicate(timeout=60)
        assert watched.returncode == expected
        assert len(err.splitlines()) == 1 and err.startswith("barograph: error: "), err


# --- what scripts see of themselves


def test_surroundings(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    (folder / "neighbour.py").write_text("here = 1")
    (folder / "script.py").write_text(
        textwrap.dedent('''
        """What it says."""
        import atexit, sys, os, pickle, dataclasses, inspect, logging, threading, warnings, neighbour, importlib.util, asyncio

        @dataclasses.dataclass
        class Point:
            x: int = 1

        def cube(x: int) -> int:
            return x**3

        print(__name__, __file__, __doc__, __builtins__, __spec__, __package__, type(__loader__).__name__)
        print(sys.argv, sys.path[0], repr(input()), sys.stdin.read())
        print(pickle.loads(pickle.dumps(Point(3))), pickle.loads(pickle.dumps(cube))(3), Point.__module__)
        print(inspect.getsource(cube), sys.modules["__main__"].Point is Point, inspect.getmodule(cube).__name__)
        print(len(sys.meta_path) > 2, [type(finder).__name__ for finder in sys.meta_path][-1], sys.flags.interactive)
        print(sorted(name for name in dir() if not name.startswith("@")))
        os.chdir("/")
        print(os.path.abspath(__file__), importlib.util.find_spec("torch") is not None, os.environ.get("BAROGRAPH"))
        atexit.register(print, "first registered, last to go")
        atexit.register(lambda: print("threads", threading.active_count(), Point(4), sys.modules["__main__"].cube(2)))
        logging.basicConfig(format="%(name)s %(filename)s %(lineno)d %(message)s", stream=sys.stdout)
        logging.getLogger("a").warning("said")
        warnings.warn("careful")
        warnings.warn("careful", DeprecationWarning)
        async def wait():
            await asyncio.sleep(0.01)
            return threading.current_thread().name
        print(asyncio.run(wait()))
        thread = threading.Thread(target=lambda: print("in a thread", threading.get_ident() != threading.main_thread().ident))
        thread.start()
        import gc
        exit(0)
        ''')
    )
    code, _, plain, watched = both(tmp_path, "sub/script.py", "--budget", "-m", "x y", stdin="one\ntwo\nthree")
    assert code == 0
    assert watched == plain + "barograph: nothing to report on script: it did not import torch\n"


def test_modules(tmp_path: pathlib.Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("print('package', __name__)")
    (package / "part.py").write_text("value = 3")
    text = "import sys\nfrom .part import value\nprint(__name__, __package__, __spec__.name, __file__, sys.argv, sys.path[0], value)\n"
    (package / "train.py").write_text(text)
    (package / "__main__.py").write_text(text)
    for name in ("package.train", "package"):
        plain, watched = started(tmp_path, "-m", name, "a"), started(tmp_path, "-m", "barograph", "run", "-m", name, "a")
        assert plain.communicate(timeout=60)[0] == watched.communicate(timeout=60)[0]
        assert plain.returncode == watched.returncode == 0


def test_processes_that_are_spawned_and_forked(tmp_path: pathlib.Path) -> None:
    write(
        tmp_path,
        """
        import multiprocessing, os, sys, dataclasses

        @dataclasses.dataclass
        class Job:
            number: int

        def work(job):
            return job.number**2, __name__, Job.__module__

        if __name__ == "__main__":
            for kind in ("spawn", "fork", "forkserver"):
                with multiprocessing.get_context(kind).Pool(2) as pool:
                    print(kind, pool.map(work, [Job(2), Job(3)]))
            child = os.fork()
            if child == 0:
                print("in the child", flush=True)
                sys.exit(7)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    )
    code, out, _, watched = both(tmp_path, "script.py")
    assert code == 0 and "7" in out
    assert watched.count("barograph: nothing to report") == 1


# --- scripts that do odd things

ODD = {
    "never trains": ("print(torch.ones(3).sum())", "no training step was seen"),
    "only evaluates": ("with torch.no_grad():\n    print(nn.Linear(2, 1).eval()(torch.ones(1, 2)).shape)", "no training step was seen"),
    "prints much": ("train(2)\nfor _ in range(50):\n    print('x' * 1_000_000)", "2 steps"),
    "closes its output": ("import sys\ntrain(5)\nprint('last', flush=True)\nsys.stdout.close()", "5 steps"),
    "has no output": ("import sys\ntrain(5)\nsys.stdout = None", "5 steps"),
    "closes its error output": ("import sys\ntrain(5)\nsys.stderr.close()", None),
    "has no error output": ("import sys\ntrain(5)\nsys.stderr = None", None),
    "replaces its error output": ("import sys\ntrain(5)\nclass E: pass\nsys.stderr = E()", None),
    "goes elsewhere": ("import os\nos.makedirs('a/b')\nos.chdir('a/b')\ntrain(5)\nprint(sorted(os.listdir('.')))", "5 steps"),
    "removes the folder of the log": (
        "import shutil\ntrain(5)\nshutil.rmtree('runs', ignore_errors=True)\nprint(train(30))",
        "30 steps",
    ),
    "removes its own folder": (
        "import os, shutil\nos.makedirs('x')\nos.chdir('x')\nshutil.rmtree('../x')\nprint(train(5))",
        "5 steps",
    ),
    "catches everything": (
        "for _ in range(3):\n    try:\n        train(2, nn.Linear(3, 1))\n    except RuntimeError as e:\n        print(e)\ntrain(4)",
        "4 steps",
    ),
    "raises in the middle of a model": (
        "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(4, 1)\n"
        "    def forward(self, x):\n        self.l(x)\n        raise StopIteration\n"
        "m = M()\nfor _ in range(5):\n    try:\n        m(torch.ones(1, 4))\n    except (StopIteration, RuntimeError):\n        train(1)",
        "steps",
    ),
    "warns": ("import warnings\ntrain(3)\nfor _ in range(3):\n    warnings.warn('w')\nprint(len(warnings.filters))", "3 steps"),
    "logs": ("import logging\nlogging.basicConfig(level=0)\nlogging.info('a')\ntrain(3)\nprint(logging.root.handlers)", "3 steps"),
    "draws from the generators": ("import random, numpy\nrandom.seed(1)\nnumpy.random.seed(1)\ntrain(5)\nprint(random.random(), numpy.random.rand(), torch.rand(1))", ""),
    "trains in another thread": (
        "import threading\nt = threading.Thread(target=lambda: print(train(12)))\nt.start()\nt.join()",
        "12 steps|another thread",
    ),
    "trains in two threads": (
        "import threading\ndef work():\n    for _ in range(20):\n        train(1)\n"
        "ts = [threading.Thread(target=work) for _ in range(2)]\n[t.start() for t in ts]\nwork()\n[t.join() for t in ts]",
        "steps",
    ),
    "asks another model in another thread meanwhile": (
        "import threading\nmodel = nn.Sequential(nn.Linear(4, 4096), nn.ReLU(), nn.Linear(4096, 1))\nother, done, errors = nn.Linear(4, 1), [], []\n"
        "def ask():\n    while not done:\n        try:\n            other(torch.ones(2, 4)).sum().backward()\n"
        "        except BaseException as e:\n            errors.append(e)\n"
        "t = threading.Thread(target=ask)\nt.start()\no = torch.optim.SGD(model.parameters(), 0.01)\nx = torch.ones(256, 4)\n"
        "for _ in range(30):\n    o.zero_grad()\n    nn.functional.mse_loss(model(x), x[:, :1]).backward()\n    o.step()\n"
        "done.append(1)\nt.join()\nprint(len(errors), errors[:1])",
        "30 steps",
    ),
    "trains in asyncio": (
        "import asyncio\nasync def main():\n    for _ in range(5):\n        train(1)\n        await asyncio.sleep(0)\nasyncio.run(main())",
        "steps",
    ),
    "trains in a child": (
        "import os, sys\ntrain(5)\nchild = os.fork()\nif child == 0:\n    train(20)\n    sys.stdout.flush()\n    os._exit(5)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\nprint(train(5))",
        "5 steps",
    ),
    "trains in a child within a step": (
        "import os\nm = nn.Linear(4, 1)\no = torch.optim.SGD(m.parameters(), 0.1)\nfor i in range(6):\n"
        "    l = torch.relu(m(torch.ones(2, 4))).sum()\n    l.backward()\n    c = os.fork()\n    if c == 0:\n"
        "        torch.relu(m(torch.ones(2, 4))).sum().backward()\n        o.step()\n        train(3)\n        os._exit(0)\n"
        "    os.waitpid(c, 0)\n    o.step()\nprint(m.weight)",
        "6 steps",
    ),
    "is watched already": (
        "import barograph\nwith barograph.watch(log=False) as w:\n    train(7)\nprint(w.steps, type(w.verdict))",
        None,
    ),
    "watches itself after all": ("import barograph\ntrain(3)\nw = barograph.watch(log=False)\ntrain(4)\nprint(w.steps)", None),
    "half precision": ("m = nn.Linear(4, 1).half()\nx = torch.ones(2, 4).half()\no = torch.optim.SGD(m.parameters(), 0.1)\nfor _ in range(4):\n    m(x).sum().backward()\n    o.step()\nprint(m.weight)", "4 steps"),
    "complex weights": (
        "w = nn.Parameter(torch.ones(3, dtype=torch.cfloat))\no = torch.optim.SGD([w], 0.1)\nfor _ in range(4):\n"
        "    (w * (1 + 2j)).abs().sum().backward()\n    o.step()\nprint(w)",
        "4 steps",
    ),
    "sparse gradients": (
        "e = nn.Embedding(10, 3, sparse=True)\no = torch.optim.SparseAdam(e.parameters())\nfor _ in range(4):\n    o.zero_grad()\n"
        "    e(torch.tensor([1, 1, 2])).sum().backward()\n    o.step()\nprint(e.weight.sum())",
        "4 steps",
    ),
    "sparse gradients that are not finite": (
        "e = nn.Embedding(10, 3, sparse=True)\no = torch.optim.SGD(e.parameters(), 0.1)\nfor i in range(4):\n    o.zero_grad()\n"
        "    l = e(torch.tensor([1, 1, 2])).sum() * (float('inf') if i == 2 else 1.0)\n    l.backward()\n    o.step()\nprint(e.weight.sum())",
        "not finite|infinite|became",
    ),
    "quantized tensors": (
        "q = torch.quantize_per_tensor(torch.randn(4, 4), 0.1, 0, torch.qint8)\nprint(q.dequantize().sum().isnan())\n"
        "print(torch.fake_quantize_per_tensor_affine(torch.ones(3, requires_grad=True), 0.1, 0, 0, 255).sum().backward())\ntrain(3)",
        "3 steps",
    ),
    "meta tensors": (
        "m = nn.Linear(4, 1, device='meta')\no = torch.optim.SGD(m.parameters(), 0.1)\nfor _ in range(3):\n"
        "    l = m(torch.ones(2, 4, device='meta')).sum()\n    l.backward()\n    o.step()\nprint(l)",
        "steps",
    ),
    "fake tensors": (
        "from torch._subclasses import FakeTensorMode\nwith FakeTensorMode():\n    m = nn.Linear(4, 1)\n    l = m(torch.ones(2, 4)).sum()\n"
        "    l.backward()\nprint(l.shape)\ntrain(3)",
        "",
    ),
    "empty tensors": (
        "m = nn.Linear(4, 0)\nn = nn.Linear(4, 2)\no = torch.optim.SGD([*m.parameters(), *n.parameters()], 0.1)\nfor _ in range(3):\n"
        "    l = m(torch.ones(0, 4)).sum() + n(torch.ones(0, 4)).sum() + n(torch.ones(1, 4)).sum()\n    l.backward()\n    o.step()\nprint(l)",
        "3 steps",
    ),
    "a batch of no rows": ("m = nn.Linear(4, 2)\no = torch.optim.SGD(m.parameters(), 0.1)\nl = nn.functional.mse_loss(m(torch.ones(0, 4)), torch.ones(0, 2))\nl.backward()\no.step()\nprint(l)", ""),
    "an optimizer without weights": (
        "for p in ([], [torch.ones(2)]):\n    try:\n        torch.optim.SGD(p, 0.1).step()\n        print('stepped')\n"
        "    except ValueError as e:\n        print(e)",
        "",
    ),
    "an optimizer without gradients": ("m = nn.Linear(2, 1)\no = torch.optim.Adam(m.parameters())\nfor _ in range(3):\n    o.step()\nprint(m.weight.shape)", ""),
    "a learning rate as a tensor": ("m = nn.Linear(4, 1)\no = torch.optim.Adam(m.parameters(), torch.tensor(0.01))\nfor _ in range(3):\n    m(torch.ones(1, 4)).sum().backward()\n    o.step()\nprint(m.weight)", "3 steps"),
    "a loss of several elements": ("m = nn.Linear(4, 2)\no = torch.optim.SGD(m.parameters(), 0.1)\nfor _ in range(3):\n    m(torch.ones(1, 4)).backward(torch.ones(1, 2))\n    o.step()\nprint(m.weight)", "3 steps"),
    "outputs of every kind": (
        "import collections, dataclasses\nP = collections.namedtuple('P', 'a b')\n@dataclasses.dataclass\nclass D:\n    a: object\n    b: object = None\n"
        "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(4, 1)\n        self.i = 0\n"
        "    def forward(self, x, *, scale=1.0):\n        y = self.l(x) * scale\n        self.i += 1\n"
        "        return [P(y, 3), D(y), {'a': {'b': [y]}}, (y, None), 'text', D(D(D(D(y))))][self.i % 6], y\n"
        "m = M()\no = torch.optim.SGD(m.parameters(), 0.01)\nfor _ in range(12):\n    m(x=torch.ones(2, 4), scale=2.0)[1].sum().backward()\n    o.step()\nprint(m.l.weight)",
        "12 steps",
    ),
    "a class without a proper __init__": (
        "class M(nn.Module):\n    def __init__(self):\n        pass\n    def forward(self, x):\n        return x\ntry:\n    M()(1)\nexcept AttributeError as e:\n    print(e)\ntrain(2)",
        "2 steps",
    ),
    "tensors in odd layouts": (
        "m = nn.Conv2d(2, 3, 2).to(memory_format=torch.channels_last)\no = torch.optim.SGD(m.parameters(), 0.1)\nfor _ in range(3):\n"
        "    m(torch.ones(2, 2, 4, 4).to(memory_format=torch.channels_last)).sum().backward()\n    o.step()\n"
        "w = torch.ones(1, requires_grad=True)\n(w.expand(5) * torch.ones(5).flip(0)).sum().backward()\nprint(m.weight.sum())",
        "",
    ),
    "nested tensors": ("t = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(1, 3)], layout=torch.jagged)\nprint(nn.Linear(3, 2)(t).sum().detach().shape)\ntrain(2)", ""),
    "many small operations": ("x = torch.ones(1, requires_grad=True)\nfor _ in range(30_000):\n    y = x * 1.0001\nprint(y)\ntrain(5)", "5 steps"),
    "a graph of many operations": ("x = y = torch.ones(1, requires_grad=True)\nfor _ in range(8_000):\n    y = y * 1.0001\ny.backward()\nprint(x.grad)\ntrain(5)", ""),
    "names from elsewhere": ("class Ünïcödé(nn.Linear):\n    pass\nm = nn.ModuleDict({'\\x1b[31mred': Ünïcödé(4, 1), '<b>': nn.Linear(1, 1)})\nprint(train(3, nn.Sequential(*m.values())))", "3 steps"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd(name: str, tmp_path: pathlib.Path) -> None:
    text, said = ODD[name]
    ran = same(tmp_path, TRAIN + text)
    if said:
        assert re.search(said, ran.err), ran.err
    assert "\x1b[31m" not in ran.err


def test_no_place_for_a_log(tmp_path: pathlib.Path) -> None:
    for name in ("plain", "watched"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "runs").write_text("a file")
    script = write(tmp_path, TRAIN + "print(train(20))")
    ran = run(script, tmp_path / "watched")
    assert ran.code == 0
    assert ran.err.count("there is no log") == 1 and "20 steps" in ran.err


def test_full_disk(tmp_path: pathlib.Path) -> None:
    write(tmp_path, TRAIN + "print(train(3000, nn.Sequential(*[nn.Linear(4, 4) for _ in range(8)]), 0.001))")
    command = f"trap '' XFSZ; ulimit -f 1; exec {sys.executable} -m barograph run --budget all script.py"
    watched = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert watched.returncode == 0, watched.stderr
    assert float(watched.stdout) > 0
    said = " ".join(watched.stderr.split())  # Where a line breaks depends on the length of the folder's name.
    assert len(re.findall("log ends early|there is no log|the log holds no step", said)) == 1, watched.stderr
    shutil.rmtree(tmp_path / "runs")


def test_torch_is_looked_for_before_it_is_imported(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "import importlib.util\nimportlib.util.find_spec('torch')\n" + TRAIN + "import atexit\natexit.register(print, train(5))")
    code, _, plain, watched = both(tmp_path, "script.py")
    assert code == 0 and plain == ""
    assert "5 steps" in watched


def test_what_breaks_in_one_process_of_several_keeps_none_waiting(tmp_path: pathlib.Path) -> None:
    write(
        tmp_path,
        """
        import sys, time, torch
        from torch import nn
        rank = int(sys.argv[1])
        torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
        model = nn.parallel.DistributedDataParallel(net)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for step in range(8):
            if rank == 0 and step == 3:
                with torch.no_grad():
                    net[2].weight.fill_(3e38)
            loss = model(torch.randn(8, 4)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("done")
        torch.distributed.destroy_process_group()
        time.sleep(0.5)  # A thread of gloo ends a moment later; torch aborts, with or without us, where the process is faster.
        """,
    )
    command = ("-m", "barograph", "run", "script.py")
    ranks = [started(tmp_path, *command, str(rank), str(tmp_path / "meeting")) for rank in range(2)]
    for rank in ranks:
        out, err = rank.communicate(timeout=120)
        assert rank.returncode == 0 and out == "done\n", err
        assert "LOS001" in err or "LOS" in err, err
