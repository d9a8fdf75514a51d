"""
# Synchronising the project undoes what was installed by hand

## What it means
`uv sync`, `uv run`, `pdm sync`, `pipenv sync` and `poetry sync` make the environment equal to the lock file. A torch
that was installed by hand with pip is replaced by the locked one, or removed where the lock has none.

## How it is told
A synchronising command takes a torch with a CUDA label away, or puts another build in its place.

## What to do
Put the build into the project: torch as a dependency, bound to its index, then lock. Until then `uv run --no-sync`
and `uv sync --inexact` leave the environment alone.

## What not to do
Installing by hand once more: the next synchronisation undoes it again.

## Sources
uv's documentation on indexes and on PyTorch; resolved with local indexes in tests of this project.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import Change, Transcript
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.versions import local_label
from torchsmith.rules.resolving.shared import BLAME, bind_uv, label_of

_SYNCING = frozenset({"sync", "run", "add", "lock", "install", "update"})


@rule("sync-reverts-manual-install", explains=("dependency-replaced-torch", "cpu-only-build"))
def check(transcript: Transcript) -> Iterator[Finding]:
    """A change by uv or PDM in a project, from a labelled torch to another one."""
    changed = transcript.replaced("torch") or next((c for c in transcript.of("torch") if c.before and not c.after), None)
    if changed is None:
        changed = _libraries(transcript)
    if changed is None or changed.manager not in {"uv", "pdm"}:
        return
    if changed.package == "torch" and not local_label(changed.before):
        return
    request = transcript.before(changed.line) if changed.line else next(iter(transcript.requests), None)
    syncing = request is not None and request.manager in {"uv", "pdm"} and request.verb in _SYNCING
    same = changed.package == "torch" and local_label(changed.after) == local_label(changed.before)
    if (request is not None and not syncing) or same:
        return
    named = f"{changed.package} {changed.before}"
    what = f"put {changed.package} {changed.after} in place of {changed.before}" if changed.after else f"removed {named}"
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"{changed.manager} {request.verb if request else 'sync'} {what}:"
        " the lock file does not know the build that was installed by hand",
        evidence=(Proof("transcript", f"line {changed.line}: {what}"),),
        remedies=_remedies(local_label(changed.before)),
        wont_help=_WONT,
        confidence=0.85 if request else 0.6,
    )


def _libraries(transcript: Transcript) -> Change | None:
    """The first of torch's CUDA libraries that was taken away, where none came in their place and torch stayed."""
    mine = [c for c in transcript.changes if c.package.startswith("nvidia-") and c.manager in {"uv", "pdm"}]
    gone = [c for c in mine if c.before and not c.after]
    return gone[0] if len(gone) > 1 and len(gone) == len(mine) and not transcript.of("torch") else None


@told("sync-reverts-manual-install")
def answer(seen: Seen) -> Advice:
    """With the build that was there before, where the log names it."""
    return Advice(
        "package:torch",
        "Synchronising makes the environment equal to the lock file, which does not know the torch that was installed by hand",
        remedies=_remedies(label_of(seen)),
        wont_help=_WONT,
    )


def _remedies(label: str) -> tuple[Remedy, ...]:
    return (
        bind_uv(label, why="the lock then names this build itself"),
        Remedy(
            "Until then, run without synchronising",
            "--no-sync leaves the environment alone, --inexact what the lock does not name",
            commands=(("uv", "sync", "--inexact"),),
        ),
    )


_WONT = (WontHelp("Installing the right build by hand again", "the next synchronisation puts back what the lock names"), *BLAME)
