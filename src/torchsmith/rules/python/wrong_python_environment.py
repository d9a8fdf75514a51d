"""
# Another Python has the torch

## What it means
torch was installed for one interpreter, and another one runs. `import torch` ends in ModuleNotFoundError, or shows
another version than the one just installed. IDEs, notebooks and a `pip` that belongs to another Python than `python`
are the usual ways.

## How it is told
The programs `python`, `python3` and `pip` on PATH are traced to their environments and those looked at for a torch;
the activated environment (VIRTUAL_ENV, CONDA_PREFIX) is compared with the `python` that the shell would start.

## What to do
Install with the interpreter that will run: `python -m pip install ...`. Or run the one that has torch.

## What not to do
Installing again with the same bare `pip`: it goes to the same wrong place.

## Sources
pip's documentation: `python -m pip`; venv's documentation on activation.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import PathProgram, PathPrograms
from torchsmith.model.facts.python import Interpreter, Target
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.common import reinstall

_ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")
# Found, not named: an interpreter that the user points at may well be meant to be without torch.
_GUESSED = (*_ACTIVE, "project in this folder", "python3 on PATH", "python on PATH")


@rule("wrong-python-environment", explains=("torch-not-installed",))
def check(
    target: Target,
    interpreter: Interpreter,
    torch: Torch | None,
    path_programs: PathPrograms,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """Silent where the user named the interpreter and it has a torch: what PATH holds is then of no matter."""
    others = [program for program in path_programs.programs if not program.own]
    having = next((program for program in others if program.torch), None)
    if torch is None and having is not None and target.found_by in _GUESSED:
        yield _missing(interpreter, having, fitting_build)
        return
    first = next((program for program in path_programs.programs if program.name == "python"), None)
    if torch is None or target.found_by not in _ACTIVE or first is None or first not in others or first.torch == torch.version:
        return
    yield Finding(
        Severity.DEGRADED,
        "python",
        f"{target.found_by} names {interpreter.prefix}, but `python` on PATH is that of {first.prefix}",
        evidence=(
            Proof("target", f"{target.found_by}: {interpreter.prefix}, with torch {torch.version}"),
            Proof(
                "path_programs", f"{first.path}: {first.prefix}, " + (f"torch {first.torch}" if first.torch else "without torch")
            ),
        ),
        remedies=(
            Remedy("Activate the environment again, or start its own interpreter", interpreter.executable, Safety.DISPLAY_ONLY),
        ),
        wont_help=(WontHelp("Installing torch again with `pip`", "it is the interpreter that differs, not the package"),),
        confidence=0.85,
    )


def _missing(interpreter: Interpreter, having: PathProgram, build: FittingBuild | Unknown | None) -> Finding:
    return Finding(
        Severity.BLOCKER,
        "python",
        f"torch {having.torch} is installed in {having.prefix} (`{having.name}` on PATH), not in {interpreter.prefix}",
        evidence=(
            Proof("torch", f"none in {interpreter.prefix}"),
            Proof("path_programs", f"{having.path} belongs to {having.prefix}: torch {having.torch}"),
        ),
        remedies=(
            Remedy(
                f"Use the Python of {having.prefix}, or look at it with `--python {having.prefix}`",
                "torch is there already",
                Safety.DISPLAY_ONLY,
            ),
            *reinstall(build, "the build that fits this machine, into the environment that runs"),
        ),
        wont_help=(WontHelp(f"`{having.name} install torch` again", "it installs into the other environment"),)
        if having.name == "pip"
        else (),
        confidence=0.85,
    )


@told("wrong-python-environment")
def answer(seen: Seen) -> Advice:
    """Ask the failing program itself which Python it is."""
    notebook = seen.has("notebook-or-ide")
    choose = "Choose the environment's kernel in the notebook or its interpreter in the IDE" if notebook else ""
    own = Remedy(
        choose or "Install with `python -m pip` of the very interpreter that fails",
        "the shell's pip and the program's Python may belong to different environments",
        commands=(("python", "-m", "pip", "install", "ipykernel"), ("python", "-m", "ipykernel", "install", "--user"))
        if notebook
        else (("python", "-m", "pip", "list"),),
    )
    return Advice(
        "python",
        "torch was installed for one Python, and the program runs with another",
        (own,),
        (WontHelp("Installing torch again from the same shell", "it goes to the same place as before"),),
        (("python", "-c", "import sys; print(sys.executable, sys.path)"), ("torchsmith", "check", "--all")),
    )
