"""
# Poetry applies a source to direct dependencies only, and torch is not one

## What it means
Another dependency needs torch, and the project itself does not list it. Poetry then locks the torch of the default
index, with the CUDA that this release pins; a CUDA build that was installed by hand is taken for the wrong version,
and `poetry install`, `update` or `sync` puts the locked one in its place.

## How it is told
Poetry updates or downgrades torch from a version with a CUDA label to one without, while nvidia packages move with
it.

## What to do
List torch as a direct dependency with an explicit source, so that the lock itself names the CUDA build.

## What not to do
Leaving torch out of pyproject.toml and installing it by hand afterwards: the next Poetry command undoes it.

## Sources
Poetry's documentation on package sources; reproduced with Poetry 1.8 and 2.x on a local index.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.versions import local_label
from torchsmith.rules.resolving.shared import bind_poetry, label_of


@rule(
    "poetry-transitive-torch",
    explains=("dependency-replaced-torch", "sync-reverts-manual-install", "cpu-only-build", "mixed-nvidia-wheels"),
)
def check(transcript: Transcript, pasted_project: PastedProject) -> Iterator[Finding]:
    """Poetry put a torch without label, or with another one, in place of a labelled one."""
    changed = transcript.replaced("torch")
    if changed is None or changed.manager != "poetry" or not local_label(changed.before):
        return
    if local_label(changed.after) == local_label(changed.before) or pasted_project.bound("torch", "poetry"):
        return
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"Poetry put torch {changed.after} in place of {changed.before}: its lock has torch as a dependency of others only",
        evidence=(Proof("transcript", f"line {changed.line}: {changed.before} -> {changed.after}"),),
        remedies=(bind_poetry(local_label(changed.before), why="the lock then names the CUDA build itself"),),
        wont_help=_WONT,
        confidence=0.85,
    )


@told("poetry-transitive-torch")
def answer(seen: Seen) -> Advice:
    """With the build that was there before, where the log names it."""
    return Advice(
        "package:torch",
        "The project does not list torch itself, so Poetry locks the one of the default index and puts it back each time",
        remedies=(bind_poetry(label_of(seen), why="the lock then names the CUDA build itself"),),
        wont_help=_WONT,
        decide_by=(("poetry", "show", "--why", "torch"),),
    )


_WONT = (
    WontHelp("`pip install` of the CUDA build after `poetry install`", "the next Poetry command puts the locked version back"),
    WontHelp("Leaving torch out of pyproject.toml", "another package brings it in, from the default index"),
    WontHelp("A [[tool.poetry.source]] alone", "it counts for packages that name it"),
)
