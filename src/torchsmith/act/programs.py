"""Installers and package managers as a run starts them: found safely, heard while they work, ended with us."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from torchsmith.act import installer_output, tools
from torchsmith.act.tools import Ended
from torchsmith.host import redact, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchsmith.act.watch import Watch

_LONGEST = 2000
_KEPT = 2000
"""Characters of a line, and lines, that are kept of what a program prints."""


def run(argv: tuple[str, ...], folder: Path, variables: Mapping[str, str], limit: float, watch: Watch) -> tuple[Ended, list[str]]:
    """Run a program in a folder; how it ended, and the lines that it printed on either output."""
    words, hidden = tools.private(argv)
    if os.sep not in words[0] and "/" not in words[0]:
        found = program(words[0])
        if found is None:
            return Ended(127, lost=f"`{words[0]}` is not to be found on PATH"), []
        words[0] = found
    lines: list[str] = []
    reader = installer_output.Reader()
    rest = [b""]

    def heard(data: bytes) -> None:
        *whole, rest[0] = (rest[0] + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for each in whole:
            line = redact.without_secrets(each[:_LONGEST].decode("utf-8", "replace").rstrip())
            if line:
                lines.append(line)
                del lines[:-_KEPT]
                watch.said(line)
                if found := reader.heard(line):
                    watch.advance(found.done, found.total, found.unit)

    environ = tools.environment(**{"PWD": str(folder), **variables, **hidden})
    try:
        ended = Ended(*spawn.run(words, limit, environ, str(folder), heard))
    except spawn.NoAnswer as reason:
        why = f"no end in {limit:g} s" if str(reason).startswith("slow") else str(reason)
        ended = Ended(124, reason.so_far, "", why)
    heard(b"\n")
    if not lines and (ended.err or ended.out):  # where output cannot be heard while it is written
        heard(f"{ended.out}\n{ended.err}\n".encode())
    if ended.status == 0 and installer_output.attacked(lines):
        ended = Ended(1, ended.out, ended.err)
    return ended, lines


def program(name: str) -> str | None:
    """The path of a program: the one beside our own interpreter, else on PATH, never in the current folder."""
    beside = Path(sys.executable).with_name(f"{name}.exe" if os.name == "nt" else name)
    if name == "uv" and beside.is_file():
        return str(beside)
    folders = os.environ.get("PATH", "").split(os.pathsep)
    found = shutil.which(name, path=os.pathsep.join(folder for folder in folders if Path(folder).is_absolute()))
    return found if found and Path(found).resolve().parent != Path.cwd().resolve() else None


def cause(ended: Ended, lines: list[str]) -> tuple[bool, str]:
    """Whether what stopped a program may pass by itself (network, disk), and the line that says what it was."""
    if ended.lost:
        return False, ended.lost
    found = installer_output.cause_of(ended.status, lines)
    return found.kind in {"network", "disk"}, found.line or f"exit status {ended.status}"
