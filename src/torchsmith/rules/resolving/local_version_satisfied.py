"""
# An installed build of another kind already satisfies the version

## What it means
For an installer, `2.8.0+cpu` and `2.8.0+cu126` both satisfy `torch==2.8.0` and `torch`. A build that is installed is
left in place, whatever index the command names.

## How it is told
The installer says "Requirement already satisfied" of torch (or audits and changes nothing), and the version that it
names in brackets has another label than the index that was asked.

## What to do
Ask for the label (`torch==2.8.0+cu126`), or uninstall torch, torchvision and torchaudio first, or add `--force-
reinstall` (uv: `--reinstall-package torch`).

## What not to do
Repeating the command with another index URL: the installed version still satisfies it. `--upgrade` takes a label that sorts
after the installed one (none, `cpu`, `cu118`, `cu126`, `cu128` ...) and leaves one that sorts before it.

## Sources
PEP 440 on local versions; pip and uv on local indexes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import Transcript
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.versions import local_label, public
from torchsmith.rules.common import index_label
from torchsmith.rules.resolving.shared import BLAME, FAMILY, address, label_of


@rule("local-version-satisfied", explains=("cpu-only-build", "wrong-index-for-platform"))
def check(transcript: Transcript) -> Iterator[Finding]:
    """Torch counted as satisfied by a build of another label than the index that was asked."""
    met = next((s for s in reversed(transcript.satisfied) if s.package == "torch"), None)
    if met is None or transcript.of("torch") or local_label(met.asked):
        return
    have = local_label(met.version)
    meant = _asked(transcript, met.line)
    if not meant or have in meant:
        return
    confidence = 0.9 if have else 0.65
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"torch {met.version} satisfies `{met.asked}`, so the installer leaves it and takes nothing from the index {meant[0]}",
        evidence=(Proof("transcript", f"line {met.line}: {met.asked} is satisfied by {met.version}"),),
        remedies=_remedies(meant[0], public(met.version)),
        wont_help=_wont(have, meant[0]),
        confidence=confidence,
    )


def _asked(transcript: Transcript, line: int) -> list[str]:
    """The labels of the indexes of the command that a line answers; of the indexes that were looked in where it names none."""
    request = transcript.before(line)
    indexes = request.indexes if request and request.indexes else transcript.indexes
    return [label for index in indexes if (label := index_label(index.url).rpartition("/")[2])]


@told("local-version-satisfied")
def answer(seen: Seen) -> Advice:
    """With the version that is there, where the log names it."""
    version = seen.captured("version", "torch-already-satisfied")
    return Advice(
        "package:torch",
        f"The installed torch {version or 'of another build'} already satisfies the requirement, so nothing was replaced",
        remedies=_remedies(label_of(seen), public(version)),
        wont_help=_wont(local_label(version), label_of(seen)),
        decide_by=(("python", "-m", "pip", "show", "torch"),),
    )


def _remedies(label: str, version: str) -> tuple[Remedy, ...]:
    pip = ("python", "-m", "pip")
    commands: tuple[tuple[str, ...], ...] = ((*pip, "uninstall", "-y", *FAMILY),)
    if label:
        torch = f"torch=={version}+{label}" if re.fullmatch(r"\d[\d.]{2,12}", version) else "torch"
        commands = (*commands, (*pip, "install", torch, "torchvision", "--index-url", address(label)))
    return (
        Remedy("Remove the build that is there, then install the other one", "or ask for it by its label", commands=commands),
    )


def _wont(have: str, wanted: str) -> tuple[WontHelp, ...]:
    """Labels sort as text, after no label at all: ``--upgrade`` takes only a later one."""
    later = not wanted or have < wanted
    again = "The same command with another index URL" + ("" if later else ", or with `--upgrade`")
    why = "the installed version still satisfies it" + ("" if later else f", and +{have} counts as newer than +{wanted}")
    return (WontHelp(again, why), *BLAME)
