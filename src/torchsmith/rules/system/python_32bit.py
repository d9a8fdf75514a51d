"""
# This Python is a 32-bit one

## What it means
torch is made for 64-bit Python only. With a 32-bit one pip finds nothing: "Could not find a version that satisfies the
requirement torch (from versions: none)". On Windows python.org offers both, and the 32-bit one runs on a 64-bit Windows without
a word.

## How it is told
The interpreter's own pointer size.

## What to do
Install a 64-bit Python and make the environment anew with it.

## What not to do
Upgrading pip, or naming another index: no 32-bit wheel exists.

## Sources
Wheel tags of every torch release on the package index.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp


@rule("python-32bit", explains=("torch-not-installed", "python-version-unsupported", "torch-install-incomplete"))
def check(machine: Machine, interpreter: Interpreter, torch: Torch | None) -> Iterator[Finding]:
    """A distribution's own 32-bit torch, should somebody have one, is left alone."""
    if interpreter.bits != 32 or torch is not None:
        return
    windows = machine.os == "windows"
    command = ("winget", "install", "-e", "--id", "Python.Python.3.13", "--architecture", "x64")
    yield Finding(
        Severity.BLOCKER,
        "python",
        f"{interpreter.executable} is a 32-bit Python, and torch exists for 64-bit only",
        evidence=(Proof("interpreter", f"Python {interpreter.version}, {interpreter.bits} bit, on {machine.arch}"),),
        remedies=(
            Remedy(
                "Install a 64-bit Python and make the environment anew with it",
                "an environment cannot change its interpreter",
                Safety.DISPLAY_ONLY,
                (Command(command),) if windows else (),
            ),
        ),
        wont_help=(
            WontHelp("Upgrading pip", "it is right: nothing fits"),
            WontHelp("Another package index", "nobody builds 32-bit wheels of torch"),
        ),
    )


@told("python-32bit")
def answer(seen: Seen) -> Advice:
    """The same from what the installer said."""
    del seen
    return Advice(
        "python",
        "This Python is a 32-bit one, and torch exists for 64-bit Python only",
        (
            Remedy(
                "Install a 64-bit Python and make the environment anew with it",
                "an environment cannot change its interpreter",
                Safety.DISPLAY_ONLY,
                commands=(("winget", "install", "-e", "--id", "Python.Python.3.13", "--architecture", "x64"),),
            ),
        ),
        (
            WontHelp("Upgrading pip", "it is right: nothing fits"),
            WontHelp("Another package index", "nobody builds 32-bit wheels of torch"),
        ),
        (("python", "-c", "import struct; print(8 * struct.calcsize('P'))"),),
    )
