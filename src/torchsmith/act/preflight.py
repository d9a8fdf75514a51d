"""What would make a transaction fail, found before anything is begun: nothing is changed by looking."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from torchsmith.act import exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.act.registry import Registry
    from torchsmith.model.transaction import Environment, Transaction

MARGIN = 256 << 20
"""Bytes that are left free beside what a change is expected to take."""


def problems(transaction: Transaction, registry: Registry | None = None) -> tuple[str, ...]:
    """Each reason for which it cannot be carried out here, as a sentence that says what to do."""
    place = transaction.environment
    found = list(_of_environment(place, transaction)) if place is not None else []
    for edit in transaction.edits:
        found += _of_file(Path(os.path.realpath(edit.path)))
    for folder in dict.fromkeys(run.folder for run in transaction.runs if run.folder):
        found += _of_folder(Path(os.path.realpath(folder)))
    for run in transaction.runs:
        links = (f"{run.folder}/{name}" for name in run.writes if (Path(run.folder) / name).is_symlink())
        found += [f"`{path}` is a symbolic link, which the program would part: ask in the folder it leads to" for path in links]
    for key in dict.fromkeys(value.key for value in transaction.registry):
        found.append(registry.refusal(key) if registry is not None else "there is no registry on this machine")
    return tuple(dict.fromkeys(filter(None, found)))


def tried(prefix: Path, own: Path) -> str:
    """Why an environment cannot be renamed, found by trying in torchsmith's own folder beside it; empty where it can be."""
    return exchange.movable(prefix, own) if prefix.is_dir() else ""


def _of_environment(place: Environment, transaction: Transaction) -> Iterator[str]:
    prefix = Path(os.path.realpath(place.prefix))
    if prefix.is_dir():
        yield from _of_prefix(prefix)
    parent = next(folder for folder in prefix.parents if folder.is_dir())
    if not os.access(parent, os.W_OK | os.X_OK):
        yield f"`{parent}` cannot be written: the environment in it changes by way of a copy beside it; ask its owner"
        return
    if os.path.ismount(prefix):
        yield f"`{prefix}` is a mount point: it cannot change places with its copy"
    with suppress(OSError):
        free, need = shutil.disk_usage(parent).free, transaction.disk_bytes or 0
        if need and free < need + MARGIN:
            yield f"it takes about {need / 1e9:.1f} GB, and `{parent}` has {free / 1e9:.1f} GB free: make room there first"


def _of_prefix(prefix: Path) -> Iterator[str]:
    if not os.access(prefix, os.R_OK | os.X_OK):
        yield f"`{prefix}` cannot be read: ask its owner"
    conda = (prefix / "conda-meta").is_dir()
    if conda and ((prefix / "condabin").is_dir() or (prefix / "pkgs").is_dir()):
        yield f"`{prefix}` is conda's base environment, which conda itself runs from: make an environment of its own for torch"
    elif not conda and not (prefix / "pyvenv.cfg").is_file():
        yield f"`{prefix}` is no virtual environment but a Python of the system: make an environment of its own for torch"
    for mark in ("lib", "lib64", "Lib"):
        for found in (prefix / mark).glob("python3*/EXTERNALLY-MANAGED"):
            yield f"`{prefix}` is managed by the system ({found.name}): make an environment of its own for torch"


def _of_file(path: Path) -> Iterator[str]:
    yield from _of_folder(path.parent)
    if not path.exists():
        return
    about = path.stat()
    if not os.access(path, os.R_OK | os.W_OK):
        yield f"`{path}` cannot be written: change its rights, or ask its owner"
    elif about.st_nlink > 1:
        yield f"`{path}` has a second name (a hard link), which a safe replacement would part: edit it by hand"
    elif hasattr(os, "geteuid") and os.geteuid() not in {0, about.st_uid}:
        yield f"`{path}` belongs to another user, which a safe replacement would change: ask its owner"


def _of_folder(folder: Path) -> Iterator[str]:
    there = folder if folder.is_dir() else next(parent for parent in folder.parents if parent.is_dir())
    if not os.access(there, os.W_OK | os.X_OK):
        yield f"`{there}` cannot be written: change its rights, or ask its owner"
