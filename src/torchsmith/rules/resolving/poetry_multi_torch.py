"""
# Poetry's constraints for torch overlap

## What it means
torch is listed several times, one source each, and the markers do not exclude each other: two constraints hold on one
platform, and Poetry fails, or locks both and installs whichever comes first.

## How it is told
Several entries of torch without markers, or with equal ones, in pyproject.toml or poetry.lock; or Poetry says that
the project depends on both.

## What to do
One entry per marker, so that on every platform exactly one holds: `sys_platform == 'linux'` and `sys_platform !=
'linux'`; for extras, each marker must exclude the others (`extra == 'cpu' and extra != 'cu128'`).

## What not to do
Reordering the entries or the sources: both still hold.

## Sources
Poetry's documentation on package sources; reproduced with Poetry 1.8 and 2.x on a local index.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp


@rule("poetry-multi-torch")
def check(pasted_project: PastedProject, transcript: Transcript) -> Iterator[Finding]:
    """Constraints or locked versions of torch whose markers are missing or equal."""
    bound = pasted_project.bound("torch", "poetry")
    locked = [entry for entry in pasted_project.locked if entry.package == "torch" and entry.tool == "poetry"]
    overlap = _overlap([binding.marker for binding in bound]) and len({binding.source for binding in bound}) > 1
    twice = {c.after for c in transcript.of("torch") if c.manager == "poetry" and c.after and not c.before}
    if not overlap and not _overlap([entry.marker for entry in locked]) and len(twice) < 2:
        return
    told = sorted(twice) or [entry.version for entry in locked] or [binding.source for binding in bound]
    what = "pyproject.toml" if overlap else "poetry.lock"
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"{what} has torch several times under markers that hold at the same time",
        evidence=(Proof("transcript" if len(twice) > 1 else "pasted_project", ", ".join(told)),),
        remedies=_REMEDIES,
        wont_help=_WONT,
        confidence=0.8,
    )


def _overlap(markers: list[str]) -> bool:
    return len(markers) > 1 and (len(set(markers)) < len(markers) or "" in markers)


@told("poetry-multi-torch")
def answer(seen: Seen) -> Advice:
    """The same for every pair."""
    del seen
    return Advice(
        "package:torch",
        "The project gives torch several constraints that hold at the same time",
        remedies=_REMEDIES,
        wont_help=_WONT,
    )


_REMEDIES = (
    Remedy(
        "Give every entry of torch a marker that excludes the others",
        "exactly one may hold on each platform",
        Safety.DISPLAY_ONLY,
    ),
    Remedy("Lock again", "", commands=(("poetry", "lock"),)),
)
_WONT = (WontHelp("Changing the order or the priority of the sources", "both constraints still hold"),)
