"""What the laboratory builds is kept under .cache/lab and built once, however many test processes ask for it."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "lab"

_COMPLETE = ".complete"
_REQUIRED = "TORCHSMITH_LAB_REQUIRE"


class Unavailable(Exception):  # noqa: N818 - a state of the machine, not an error
    """A part of the laboratory cannot be had here; the message says why."""


def unavailable(part: str, why: str) -> NoReturn:
    """Gives up on a part; loudly where TORCHSMITH_LAB_REQUIRE (part names or "all", comma-separated) demands it."""
    demanded = os.environ.get(_REQUIRED, "").split(",")
    if part in demanded or "all" in demanded:
        raise RuntimeError(f"{_REQUIRED} demands {part!r}, but: {why}")
    raise Unavailable(f"{part}: {why}")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds a lock that other test processes on this checkout respect."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def built(name: str, recipe: Mapping[str, object], build: Callable[[Path], None]) -> Path:
    """The folder that `build` fills, reused while its recipe is unchanged.

    A folder counts only once a mark stands in it: what a killed or failed build left is thrown away.
    """
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    mark = folder / _COMPLETE
    if mark.exists():
        return folder
    with locked(folder.name):
        if not mark.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                build(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            mark.write_text(json.dumps(recipe, indent=1, sort_keys=True))
    return folder


def link_tree(source: Path, target: Path) -> None:
    """Copies a tree as hard links: thousands of files in a fraction of a second, and no disk space.

    Links of the tree are copied as links. Neither copy may be edited in place afterwards: replace or remove files.
    """
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            to = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                link_tree(Path(entry.path), to)
            elif entry.name != _COMPLETE:
                os.link(entry.path, to, follow_symlinks=False)


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder on the file system of the cache (so that hard links reach it), removed afterwards."""
    parent = CACHE / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    number = 0
    while True:
        folder = parent / f"{os.getpid()}-{number}-{name}"
        try:
            folder.mkdir()
            break
        except FileExistsError:
            number += 1
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Removes what killed test processes left."""
    for folder in parent.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
