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
Repeating the command with another index URL, or `--upgrade`: the installed version still satisfies it.

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
    meant = [label for label in _asked(transcript) if label != have]
    if not meant or (not have and len(meant) == 0):
        return
    confidence = 0.9 if have else 0.65
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"torch {met.version} satisfies `{met.asked}`, so the installer leaves it and takes nothing from the index {meant[0]}",
        evidence=(Proof("transcript", f"line {met.line}: {met.asked} is satisfied by {met.version}"),),
        remedies=_remedies(meant[0], public(met.version)),
        wont_help=_WONT,
        confidence=confidence,
    )


def _asked(transcript: Transcript) -> list[str]:
    urls = [index.url for request in transcript.requests for index in request.indexes] + [
        index.url for index in transcript.indexes
    ]
    return [label for url in urls if (label := index_label(url).rpartition("/")[2])]


@told("local-version-satisfied")
def answer(seen: Seen) -> Advice:
    """With the version that is there, where the log names it."""
    version = seen.captured("version", "torch-already-satisfied")
    return Advice(
        "package:torch",
        f"The installed torch {version or 'of another build'} already satisfies the requirement, so nothing was replaced",
        remedies=_remedies(label_of(seen), public(version)),
        wont_help=_WONT,
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


_WONT = (
    WontHelp("The same command with `--upgrade` or another index URL", "the installed version still satisfies it"),
    *BLAME,
)
