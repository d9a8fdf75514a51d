"""
# Python's headers are not installed

## What it means
Extensions, and the small launchers that triton and torch.compile make, include Python.h. Distributions keep it in a package of
its own; without it the compiler stops with "fatal error: Python.h: No such file or directory".

## How it is told
A CUDA toolkit and a C++ compiler are here, and Python.h is not where this interpreter's headers belong.

## What to do
Only if something is compiled: install the development package of exactly this Python.

## What not to do
Following the warning about CUDA versions that often stands above the error: it is another matter.

## Sources
Python, sysconfig; distributions' package lists.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.model.action import Command
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.toolkit import PythonHeaders
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import minor
from torchsmith.rules.toolkit.shared import RUNS

PACKAGES = {
    "debian": ("apt-get", "python{}-dev"),
    "ubuntu": ("apt-get", "python{}-dev"),
    "fedora": ("dnf", "python3-devel"),
    "rhel": ("dnf", "python{}-devel"),
    "rocky": ("dnf", "python{}-devel"),
    "almalinux": ("dnf", "python{}-devel"),
    "opensuse-leap": ("zypper", "python3-devel"),
}


@rule("python-headers-missing")
def check(machine: Machine, interpreter: Interpreter, python_headers: PythonHeaders, torch: Torch) -> Iterator[Finding]:
    """Asked only where something could be compiled."""
    del torch
    if python_headers.present:
        return
    version = minor(interpreter.version)
    tool, package = PACKAGES.get(machine.kin(PACKAGES), ("", ""))
    # A Python outside of /usr has its headers from whoever made it, not from the distribution.
    own = interpreter.base_prefix == "/usr" and tool
    yield Finding(
        Severity.NOTE,
        "python",
        f"Python.h of Python {version} is not installed: extensions and torch.compile cannot be compiled with it",
        evidence=(Proof("python_headers", f"{python_headers.path} does not exist"),),
        remedies=(
            Remedy(
                f"To compile, install the development files of Python {version}",
                "of exactly this version",
                Safety.DISPLAY_ONLY,
                (Command(("sudo", tool, "install", package.format(version))),) if own else (),
            ),
        ),
        wont_help=(RUNS, WontHelp("Matching CUDA versions", "the compiler does not come that far")),
    )
