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
    from torchsmith.knowledge import torch_pythons

    spec = seen.captured("spec") or seen.captured("asked") or seen.captured("other")
    named = re.search(r"\d+\.\d+(?:\.\d+)?", spec)
    release = named[0] if named and (seen.captured("name") or seen.captured("uvname") or "torch") == "torch" else ""
    machine = seen.value("machine")
    span = torch_pythons.span(release, machine.platform if machine else "") if release else None
    interpreter = seen.value("interpreter")
    have = f"Python {minor(interpreter.version)}" if interpreter else "this Python"
    listed = [text.strip() for text in seen.captured("versions", "from-versions").split(",")]
    begins = torch_pythons.begins_for(listed[0]) if listed else None
    if not interpreter and begins:
        have = f"Python 3.{begins}, for which the list begins with {listed[0][:20]}"
    wheels = f": it is made for Python 3.{span[0]} to 3.{span[1]}" if span else ""
    advised = f"3.{span[1]}" if span else "3.12"
    return Advice(
        "python",
        f"torch {release} has no wheel for {have}{wheels}".replace("torch  has", "This release has"),
        (
            Remedy(
                f"Make an environment with Python {advised}" + ("" if span else ", or one that the release is made for"),
                "uv fetches that Python if it is not here",
                Safety.DISPLAY_ONLY,
                commands=(("uv", "venv", "--python", advised),),
            ),
            Remedy("Or ask for a release of torch that has wheels for this Python", safety=Safety.DISPLAY_ONLY),
        ),
        (
            WontHelp("Another mirror, index or --pre", "the wheels for this Python are not there either"),
            WontHelp("Upgrading pip", "it looks for the right tag"),
        ),
        (("python", "-VV"),),
    )
