"""
# torch left macOS on Intel

## What it means
The last torch with wheels for macOS on x86-64 is 2.2.2, for Python 3.8 to 3.12, and it needs NumPy below 2. A Python made for
Intel that runs on Apple silicon under Rosetta counts as Intel too, and hides the Mac's GPU.

## How it is told
The interpreter is an x86-64 one on macOS.

## What to do
On Apple silicon: install an arm64 Python and make the environment anew. On an Intel Mac: torch 2.2.2 with NumPy below 2, or
conda-forge's builds.

## What not to do
Upgrading pip, or trying one Python after the other: above 2.2.2 there is nothing to find.

## Sources
Wheel tags on the package index; PyTorch, deprecation of macOS x86_64 builds.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command, Install
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import key

LAST, FIRST_PYTHON, LAST_PYTHON = "2.2.2", (3, 8), (3, 12)


@rule("macos-x86-dropped", explains=("torch-not-installed", "python-version-unsupported"), systems=("macos",))
def check(machine: Machine, interpreter: Interpreter, torch: Torch | None) -> Iterator[Finding]:
    """An Intel Python; on an Intel Mac with a torch in it all is as well as it can be."""
    rosetta = machine.arch == "aarch64"
    if interpreter.machine != "x86_64" or (torch is not None and not rosetta):
        return
    fits = FIRST_PYTHON <= key(interpreter.version)[:2] <= LAST_PYTHON
    where = "under Rosetta on Apple silicon" if rosetta else "on an Intel Mac"
    if rosetta:
        remedy = Remedy(
            "Install an arm64 Python and make the environment anew with it",
            "current wheels of torch exist for it, and they use the Mac's GPU",
            Safety.DISPLAY_ONLY,
            (Command(("uv", "venv", "--python", "cpython-3.13-macos-aarch64")),),
        )
    elif fits:
        remedy = Remedy(
            f"Install torch {LAST} with NumPy below 2",
            "the last release for Intel Macs",
            actions=(Install((f"torch=={LAST}", "numpy<2")),),
        )
    else:
        remedy = Remedy(
            f"Make an environment with Python 3.12 for torch {LAST}",
            "newer Pythons have no wheel at all here",
            Safety.DISPLAY_ONLY,
            (Command(("uv", "venv", "--python", "3.12")),),
        )
    yield Finding(
        Severity.NOTE if torch is not None else Severity.DEGRADED if fits else Severity.BLOCKER,
        "python",
        f"this Python is an x86-64 one {where}: torch {LAST} is the last release for it",
        evidence=(Proof("interpreter", f"{interpreter.executable}: {interpreter.machine}"), Proof("machine", machine.arch)),
        remedies=(remedy,),
        wont_help=(WontHelp("Upgrading pip or trying other indexes", f"no wheel above {LAST} exists for this Python"),),
    )


@told("macos-x86-dropped")
def answer(seen: Seen) -> Advice:
    """An Intel Mac, or an Intel Python on Apple silicon: which, the processor tells."""
    del seen
    return Advice(
        "python",
        f"torch {LAST} is the last release for a Python made for Intel Macs",
        (
            Remedy(
                f"On an Intel Mac: install torch {LAST} with NumPy below 2 (Python 3.8 to 3.12)",
                "the last release with wheels for it",
                commands=(("python3", "-m", "pip", "install", f"torch=={LAST}", "numpy<2"),),
            ),
            Remedy(
                "On Apple silicon: install an arm64 Python and make the environment anew with it",
                "a Python under Rosetta counts as Intel",
                Safety.DISPLAY_ONLY,
                commands=(("uv", "venv", "--python", "cpython-3.13-macos-aarch64"),),
            ),
        ),
        (
            WontHelp("Upgrading pip", "it looks for the right tags"),
            WontHelp("Another Python version or another index", f"no wheel above {LAST} exists for an Intel Python on macOS"),
        ),
        (("python3", "-c", "import platform; print(platform.machine())"),),
    )
