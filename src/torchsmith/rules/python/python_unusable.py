"""
# The interpreter cannot be used

## What it means
The Python that this environment names is missing, is no Python, or does not start. Nothing in the environment can
run, whatever is installed in it. It happens after the Python below a virtual environment was upgraded or removed,
after a folder was moved, and when `--python` names something else.

## How it is told
The interpreter was asked to describe itself, isolated from its environment (`-I -S`), and gave no answer in time or
none at all.

## What to do
Name another interpreter with `--python`, or make the environment anew with a Python that starts. One that is only
slow may be asked with `--wait 30`.

## What not to do
Reinstalling torch into it: the installer needs the same interpreter.

## Sources
The venv documentation: an environment holds links to the Python that made it.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.python import Interpreter, Target
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown

# What a child process may end with; evidence that was never gathered is another thing.
_FAILURES = (
    "cannot be started",
    "slow",
    "ended with",
    "answered without end",
    "the answer is not",
    "the interpreter described itself",
)


@rule("python-unusable", explains=("torch-not-installed",))
def check(target: Target, interpreter: Interpreter | Unknown) -> Iterator[Finding]:
    """Whatever else would be judged needs the interpreter first."""
    if isinstance(interpreter, Interpreter) or not interpreter.reason.startswith(_FAILURES):
        return
    slow = interpreter.reason.startswith("slow")
    yield Finding(
        Severity.BLOCKER,
        "python",
        f"`{target.python}` (found by {target.found_by}) {'did not answer in time' if slow else 'does not work as a Python'}",
        evidence=(Proof("interpreter", interpreter.reason, "; ".join(interpreter.tried)),),
        remedies=(
            Remedy(
                "Name a working interpreter with --python, or make the environment anew",
                "a virtual environment needs the very Python that it was made with",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(WontHelp("Reinstalling torch", "the installer would need this interpreter too"),),
        confidence=0.6 if slow else 0.95,
        decide_by=((target.python, "-I", "-S", "-c", "print('ok')"),),
    )


@told("python-unusable")
def answer(seen: Seen) -> Advice:
    """The interpreter before anything that it would run."""
    windows = seen.os == "windows"
    make = ("py", "-m", "venv", ".venv") if windows else ("python3", "-m", "venv", ".venv")
    return Advice(
        "python",
        "The interpreter of this environment is missing, is no Python or does not start",
        (
            Remedy(
                "Install that Python again, or make the environment anew with one that starts",
                "a virtual environment needs the very Python that it was made with, in the same place",
                Safety.DISPLAY_ONLY,
                commands=(make,),
            ),
        ),
        (
            WontHelp("Reinstalling torch", "the installer would need this interpreter too"),
            WontHelp("Setting PYTHONHOME", "it makes every other Python on the machine look there too"),
        ),
        (("py", "--list-paths") if windows else ("python3", "-I", "-S", "-c", "print('ok')"),),
    )
