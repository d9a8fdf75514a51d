"""The outside part of a trial: a folder that is gone afterwards, the environment in it, and a script run in both.

However a trial ends, its folder is removed: by this process, also when it is told to end; or, where it was killed outright,
by the next trial, which takes away every trial's folder whose lock nobody holds any more.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from torchsmith import host
from torchsmith.act import tools
from torchsmith.managers.places import BUILD_TOOLS
from torchsmith.model.errors import TorchsmithError
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType
    from typing import Any

    from torchsmith.act.tools import Tool
    from torchsmith.model.choice import Option

PREFIX = "torchsmith-trial-"
_LOCK = "lock"
_FRAME = "\x02torchsmith\x02"
INSTALL_LIMIT = 3600.0
MEASURE_LIMIT = 300.0
"""Seconds for the installer, and for the script in one environment."""
SECONDS = 1.0
"""For each measurement."""


class EndedError(TorchsmithError):
    """The trial was told to end."""

    exit_code = 1


@record
class Built:
    """The environment that was built: its interpreter, how long it took, what it takes; ``problem`` if it could not be."""

    python: str
    seconds: float
    size: int
    problem: str = ""


def installer(python: str) -> Tool | None:
    """Uv where there is one, else the pip that the new environment will have of its own."""
    return tools.find("uv") or tools.pip_of(python)


def free(parent: str = "") -> int | None:
    """Bytes that are free where trials are built."""
    with suppress(OSError):
        return shutil.disk_usage(parent or tempfile.gettempdir()).free
    return None


def place() -> str:
    """Where trials are built."""
    return tempfile.gettempdir()


@contextmanager
def folder(parent: str = "") -> Iterator[Path]:
    """A folder for one trial.

    Raises:
        EndedError: this process was told to end; the folder is gone.

    """
    _sweep(Path(parent or tempfile.gettempdir()))
    made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent or None))
    with (made / _LOCK).open("w") as lock, _told_to_end():
        _hold(lock)
        try:
            yield made
        finally:
            with _deaf():
                shutil.rmtree(made, ignore_errors=True)


def build(
    made: Path,
    tool: Tool,
    interpreter: str,
    option: Option,
    wanted: Sequence[str],
    rest: Sequence[str] = (),
    compiled: Sequence[str] = (),
) -> Built:
    """An environment with ``wanted`` from the option's index, ``rest`` from the configured ones and ``compiled`` against it.

    ``interpreter`` is a path or a version of Python. The second command names torch again, so that it stays.
    """
    begun = time.monotonic()
    prefix = made / "env"
    python = prefix / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    by_uv = tool.name == "uv"
    create = [*tool.argv, "venv", "--quiet", "--python", interpreter] if by_uv else [interpreter, "-m", "venv"]
    pip = [*tool.argv, "pip"] if by_uv else [str(python), "-m", "pip"]
    install = [*pip, "install", "--quiet", *(("--python", str(python)) if by_uv else ())]
    index = ["--default-index" if by_uv else "--index-url", option.index] if option.index else []
    alone = tools.environment(PYTHONNOUSERSITE="1")
    configured = alone | tools.indexes_for_uv(option.approach.name)
    steps = [([*create, str(prefix)], alone)]
    steps.append(([*install, *wanted, *index], alone) if index else ([*install, *wanted, *rest], configured))
    if index and rest:
        steps.append(([*install, *rest, *wanted[:1]], configured))
    if compiled:
        steps.append(([*install, *BUILD_TOOLS], configured))
        steps.append(([*install, "--no-build-isolation", *compiled], configured))
    for argv, environ in steps:
        ended = tools.run(argv, INSTALL_LIMIT, environ, made)
        if ended.lost or ended.status:
            from torchsmith.act.resolve import shortened

            said = shortened(ended.err.strip() or ended.out.strip()) or ended.said
            return Built(str(python), time.monotonic() - begun, _size(prefix), f"`{_name(argv)}` failed: {ended.lost or said}")
    return Built(str(python), time.monotonic() - begun, _size(prefix))


def measured(python: str, beside: Sequence[str], *, own: bool) -> dict[str, Any]:
    """What the script found in an environment; ``own`` says that it is the trial's and may be written to.

    A first run only imports: files are read from disk and, in the trial's environment, compiled.
    """
    script = str(Path(host.__file__).parent / "inside" / "bench.py")
    environ = tools.environment()
    if own:
        environ["PYTHONNOUSERSITE"] = "1"
    elif "PYTHONPATH" in os.environ:
        environ["PYTHONPATH"] = os.environ["PYTHONPATH"]
    argv = [python, *(() if own else ("-B",)), script, _FRAME]
    first = _framed(tools.run([*argv, "0"], MEASURE_LIMIT, environ).out)
    ended = tools.run([*argv, str(SECONDS), *beside], MEASURE_LIMIT, environ)
    found = _framed(ended.out)
    if ended.lost or ended.status:
        found["ended"] = ended.said if ended.status >= 0 else f"ended by signal {-ended.status}"
    times = [each["import_seconds"] for each in (first, found) if isinstance(each.get("import_seconds"), float)]
    return found | ({"import_seconds": min(times)} if times else {})


def _framed(out: str) -> dict[str, Any]:
    """What the script answered, part by part; whatever else was printed does not count."""
    found: dict[str, Any] = {}
    for answer in out.split(_FRAME)[1::2]:
        with suppress(ValueError, TypeError, RecursionError):
            found |= json.loads(answer)
    return found


def _name(argv: Sequence[str]) -> str:
    return " ".join(word for word in (Path(argv[0]).name, *argv[1:4]) if not word.startswith("-") and "/" not in word)


def _size(prefix: Path) -> int:
    """Bytes of the files below; one that two names lead to counts once."""
    seen: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(prefix):
        for name in names:
            with suppress(OSError):
                found = Path(parent, name).lstat()
                seen[found.st_dev, found.st_ino or len(seen)] = found.st_size
    return sum(seen.values())


# ---- however it ends


@contextmanager
def _told_to_end() -> Iterator[None]:
    """A signal to end becomes an exception, so that what is under way is put in order first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.signal(number, _raise) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, _frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    raise EndedError(f"the trial was ended by {name}; its folder is removed, and the present environment is as it was")


@contextmanager
def _deaf() -> Iterator[None]:
    """Nothing interrupts the tidying."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hold(lock: Any) -> bool:
    """Take the lock of a trial's folder; False where another process has it, or nobody can tell."""
    try:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _sweep(parent: Path) -> None:
    """Remove what killed trials of this user left."""
    for left in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if not left.is_dir() or left.is_symlink() or (hasattr(os, "getuid") and left.stat().st_uid != os.getuid()):
                continue
            with (left / _LOCK).open("r+") as lock:
                if _hold(lock):
                    shutil.rmtree(left, ignore_errors=True)
