"""What the real loader does: every object opened in a process of its own, with the loader's own words about it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Runs inside the examined interpreter. Its children, one per object, inherit LD_DEBUG; each writes into a file of its own.
_HARNESS = r"""
import sys, os, ctypes
folder, first = sys.argv[1], sys.argv[2]
paths = open(folder + "/paths").read().split("\n")
if first:
    __import__(first)

class Info(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]

def maps():
    found = []
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
    def one(info, size, data):
        found.append(os.fsdecode(info.contents.name or b""))
        return 0
    ctypes.CDLL(None).dl_iterate_phdr(kind(one), None)
    return found

maps()
base = maps()
import importlib.machinery, _imp, signal
sys.meta_path, sys.path = [], []  # what a module imports when it is made is not its libraries
open(folder + "/base", "w").write("\n".join(base))
for number, path in enumerate(paths):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    signal.alarm(60)
    out = os.open(folder + "/%d.debug" % number, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    error = ""
    try:
        name = os.path.basename(path)
        if ".cpython-" in name or ".abi3." in name:
            loader = importlib.machinery.ExtensionFileLoader(name.split(".")[0], path)
            _imp.create_dynamic(importlib.machinery.ModuleSpec(name.split(".")[0], loader, origin=path))
        else:
            ctypes.CDLL(path, ctypes.RTLD_LOCAL)
    except BaseException as failed:
        error = "%s: %s" % (type(failed).__name__, failed)
    after = maps()
    open(folder + "/%d.maps" % number, "w").write("\n".join([error.replace("\n", " "), *after[len(base):]]))
    os._exit(0)
"""

_ASKED = re.compile(r"file=(\S+) \[0\];  (needed|dynamically loaded) by (\S+) \[0\]$")
_LOADER = re.compile(r"\s*\d+:\t|\s*\d+:\s*$")
_TRYING = re.compile(r"trying file=(\S+)")
_MADE = re.compile(r"file=(\S+) \[0\];  generating link map")


@dataclass
class Opened:
    """One opening: the names that were looked for, in order, each with its path (empty: not found); what was mapped by it."""

    path: str
    error: str = ""
    found: dict[str, str] = field(default_factory=dict)
    maps: tuple[str, ...] = ()
    died: bool = False
    """An initialiser ended the process: what it had loaded is known from the loader's words only."""


def read_debug(text: str, path: str = "") -> dict[str, str]:
    """Name -> path, of what the loader looked for; empty where it found nothing.

    With a ``path`` only what the opening of that asked for: its code, once it runs, may open more.
    """
    found: dict[str, str] = {}
    tried = ""
    for line in text.splitlines():
        if matched := _ASKED.search(line):
            if path and matched[2] != "needed" and matched[1] != path:
                break
            found.setdefault(matched[1], "")
            tried = ""
        elif matched := _TRYING.search(line):
            tried = matched[1]
        elif matched := _MADE.search(line):
            found[matched[1]] = os.path.normpath(tried if "/" not in matched[1] else matched[1])
    return found


def open_all(
    python: Path, objects: Sequence[str], folder: Path, first: str = "", environ: Mapping[str, str] | None = None
) -> tuple[list[str], list[Opened]]:
    """What is mapped before (after ``import first``, if given), and each object's opening.

    ``folder`` is for the answers, and emptied first. Raises RuntimeError where the interpreter itself does not get so far.
    """
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / "paths").write_text("\n".join(objects))
    env = {**(environ or {}), "LD_DEBUG": "libs,files", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-c", _HARNESS, folder, first],
        env=env,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=900,
    )
    if not (folder / "base").exists():
        said = [line for line in done.stderr.splitlines() if line.strip() and not _LOADER.match(line)]
        raise RuntimeError("\n".join(said[-20:]) or f"exit status {done.returncode}")
    (folder / "start.debug").write_text(done.stderr)
    opened = []
    for number, path in enumerate(objects):
        debug, maps = folder / f"{number}.debug", folder / f"{number}.maps"
        found = read_debug(debug.read_text(errors="replace"), path) if debug.exists() else {}
        found.pop(path, None)
        lines = maps.read_text().split("\n") if maps.exists() else [""]
        opened.append(Opened(path, lines[0], found, tuple(map(os.path.normpath, filter(None, lines[1:]))), not maps.exists()))
    return (folder / "base").read_text().split("\n"), opened
