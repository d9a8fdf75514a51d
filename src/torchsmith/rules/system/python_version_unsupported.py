"""
# No torch is made for this Python

## What it means
A wheel of torch belongs to one version of CPython. For a Python that is too new, too old, or not CPython, there is none, and
pip says "No matching distribution found for torch" or offers only other versions.

## How it is told
torch is not installed, and the table of releases lists no wheel for this interpreter on this system.

## What to do
Make an environment with a Python that has wheels: the one before the newest is the safest choice.

## What not to do
Another mirror, `--pre`, or building torch from source: changing the Python takes a minute.

## Sources
Wheel tags on the package index (`torchsmith facts torch_releases`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import torch_releases
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import key, minor
from torchsmith.rules.resolving.shared import transcripts

PLATFORMS = ("linux-x86_64", "linux-aarch64", "windows", "macos-arm64")


@rule("python-version-unsupported", explains=("torch-not-installed",))
def check(machine: Machine, interpreter: Interpreter, torch: Torch | None) -> Iterator[Finding]:
    """Silent where the table does not speak of this system at all: macOS on Intel, 32-bit, Windows on Arm."""
    if torch is not None or machine.platform not in PLATFORMS or interpreter.bits != 64 or interpreter.platform == "cygwin":
        return
    cpython = interpreter.implementation == "cpython"
    if cpython and torch_releases.releases_for_python(interpreter.tag, machine.platform):
        return
    newest = torch_releases.newest()
    tags = [tag for tag in torch_releases.python_tags(newest, machine.platform) if not tag.endswith("t")]
    served = [f"{tag[2]}.{tag[3:]}" for tag in tags]
    advised = served[-2] if len(served) > 1 else served[-1] if served else "3.12"
    name = f"Python {minor(interpreter.version)}" + (" without the GIL" if interpreter.free_threaded else "")
    what = f"{name} ({interpreter.implementation})" if not cpython else name
    # A Python newer than the table may have its wheels by now.
    newer = bool(served) and key(interpreter.version)[:2] > key(served[-1])[:2]
    yield Finding(
        Severity.BLOCKER,
        "python",
        f"no torch is made for {what} on {machine.platform}",
        evidence=(
            Proof("interpreter", f"{interpreter.executable}: {interpreter.implementation} {interpreter.version}"),
            Proof("torch", f"not installed; torch {newest} serves Python {', '.join(served)}"),
        ),
        remedies=(
            Remedy(
                f"Make an environment with Python {advised}",
                "uv fetches that Python if it is not here",
                Safety.DISPLAY_ONLY,
                (Command(("uv", "venv", "--python", advised)),),
            ),
        ),
        wont_help=(
            WontHelp("Another index or --pre", "the wheels are not there either"),
            WontHelp("Upgrading pip", "it looks for the right tag"),
        ),
        confidence=0.8 if newer else 0.95,
    )


@told("python-version-unsupported")
def answer(seen: Seen) -> Advice:
    """Which Pythons the asked release has wheels for, where the text names one."""
    release, span = _asked(seen)
    interpreter = seen.value("interpreter")
    have = f"Python {minor(interpreter.version)}" if interpreter else _by_list(seen)
    here = key(interpreter.version)[1:2] if interpreter else ()
    if span and here and span[0] <= here[0] <= span[1]:
        # What refused it knows better than the table: this Python is not one to propose.
        span = (span[0], here[0] - 1) if here[0] > span[0] else None
    advised = f"3.{span[1]}" if span else "3.11" if seen.has("removed-from-python") else ""
    if seen.has("syntax-of-newer-python"):
        what, advised = f"The code is written for a newer Python than {have}", advised or "3.12"
    elif seen.has("requires-another-python", "removed-from-python") and not span:
        what = f"What is installed or asked for does not allow {have}"
    else:
        wheels = f": it is made for Python 3.{span[0]} to 3.{span[1]}" if span else ""
        what = f"{f'torch {release}' if release else 'This release'} has no wheel for {have}{wheels}"
    return Advice(
        "python",
        what,
        (
            _narrowed(span) if span and _of_project(seen) else _made(advised),
            Remedy("Or ask for a release that has wheels for this Python", safety=Safety.DISPLAY_ONLY),
        ),
        (
            WontHelp("Another mirror, index or --pre", "the wheels for this Python are not there either"),
            WontHelp("Upgrading pip", "it looks for the right tag"),
        ),
        (("python", "-VV"),),
    )


def _made(advised: str) -> Remedy:
    return Remedy(
        f"Make an environment with Python {advised}" if advised else "Make an environment with a Python that it allows",
        "uv fetches that Python if it is not here",
        Safety.DISPLAY_ONLY,
        commands=(("uv", "venv", "--python", advised),) if advised else (),
    )


def _of_project(seen: Seen) -> bool:
    """Whether uv resolves for every Python that a project allows, not for the one that runs."""
    return any(request.verb in {"add", "lock", "sync", "run"} for request in transcripts(seen).asked("uv"))


def _narrowed(span: tuple[int, int]) -> Remedy:
    return Remedy(
        f'Write `requires-python = ">=3.{span[0]},<3.{span[1] + 1}"` (or a part of it) into pyproject.toml, then lock again',
        "uv resolves for every Python that the project allows; which one runs changes nothing",
        Safety.DISPLAY_ONLY,
        commands=(("uv", "lock"),),
    )


def _asked(seen: Seen) -> tuple[str, tuple[int, int] | None]:
    """The release of torch that was asked for, and its Pythons; empty and None where that is not told."""
    from torchsmith.knowledge import torch_pythons

    spec = seen.captured("spec") or seen.captured("asked") or seen.captured("other")
    named = re.search(r"\d+\.\d+(?:\.\d+)?", spec)
    if named is None or (seen.captured("name") or seen.captured("uvname") or "torch") != "torch":
        return "", None
    machine = seen.value("machine")
    return named[0], torch_pythons.span(named[0], machine.platform if machine else "")


def _by_list(seen: Seen) -> str:
    """The Python that a list of versions shows by its beginning."""
    from torchsmith.knowledge import torch_pythons

    first = seen.captured("versions", "from-versions").partition(",")[0].strip()
    begins = torch_pythons.begins_for(first)
    return f"Python 3.{begins}, for which the list begins with {first[:20]}" if begins else "this Python"
