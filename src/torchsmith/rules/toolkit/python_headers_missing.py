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

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
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


@told("python-headers-missing")
def answer(seen: Seen) -> Advice:
    """The package for the reporter's system and Python, where the text tells them."""
    machine, interpreter = seen.value("machine"), seen.value("interpreter")
    version = minor(interpreter.version) if interpreter else "3"
    if seen.os == "windows":
        remedy = Remedy(
            "Copy the include and libs folders of the same Python beside python.exe",
            "an embedded Python (ComfyUI portable) comes without them; the installer of the same version has them",
            Safety.DISPLAY_ONLY,
        )
    else:
        tool, name = PACKAGES.get(machine.kin(PACKAGES) if machine else "", ("apt-get", "python{}-dev"))
        command = ("sudo", tool, "install", name.format(version))
        remedy = Remedy("Install the development files of exactly this Python", "", Safety.DISPLAY_ONLY, commands=(command,))
    return Advice(
        "python",
        "Python.h is missing: Python's headers are not installed, and nothing can be compiled against it",
        remedies=(remedy, Remedy("Or use a Python of conda or uv", "they bring their headers", Safety.DISPLAY_ONLY)),
        wont_help=(
            WontHelp("Matching CUDA versions", "the warning above may be true, but the compiler does not come that far"),
            WontHelp("pip install python-dev", "headers come with the interpreter, not from the package index"),
        ),
    )
