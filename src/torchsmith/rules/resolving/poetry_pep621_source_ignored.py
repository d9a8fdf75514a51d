"""
# A source stands where Poetry does not read it

## What it means
Poetry 2 takes the requirements from [project] dependencies where these are given; [tool.poetry.dependencies] then
only adds to what is listed there. An entry for torch with a source that [project] does not list has no effect: torch
comes with another package, from the default index. `poetry check` finds nothing wrong.

## How it is told
A project file lists dependencies under [project] without torch, and gives torch a source under
[tool.poetry.dependencies].

## What to do
List torch in [project] dependencies too; the source in [tool.poetry.dependencies] then counts. Lock again.

## What not to do
Adding more sources, or another priority: none is asked for torch.

## Sources
Poetry's documentation on package sources; reproduced with Poetry 1.8 and 2.x on a local index.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp


@rule("poetry-pep621-source-ignored", explains=("poetry-transitive-torch", "cpu-only-build", "wrong-index-for-platform"))
def check(pasted_project: PastedProject) -> Iterator[Finding]:
    """Torch bound for Poetry, with [project] dependencies that do not name it."""
    project = pasted_project
    listed = [d for d in project.dependencies if d.where == "project"]
    bound = [b for b in project.bound("torch", "poetry") if "extra" not in b.marker]
    if not listed or not bound or any(d.package == "torch" for d in listed):
        return
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"torch has the source {bound[0].source} under [tool.poetry.dependencies], but [project] does not list torch:"
        " Poetry ignores it",
        evidence=(Proof("pasted_project", f"[project] lists {', '.join(d.package for d in listed[:8])}"),),
        remedies=_REMEDIES,
        wont_help=_WONT,
        confidence=0.85,
    )


@told("poetry-pep621-source-ignored")
def answer(seen: Seen) -> Advice:
    """The same for every project."""
    del seen
    return Advice(
        "package:torch",
        "torch's source stands under [tool.poetry.dependencies], while [project] lists the dependencies, without torch",
        remedies=_REMEDIES,
        wont_help=_WONT,
    )


_REMEDIES = (
    Remedy("List torch in [project] dependencies, and keep its source under [tool.poetry.dependencies]", "", Safety.DISPLAY_ONLY),
    Remedy("Lock again and synchronise", "", commands=(("poetry", "lock"), ("poetry", "sync"))),
)
_WONT = (
    WontHelp("Another priority of the source", "Poetry does not ask it for a package that it does not know to be a dependency"),
    WontHelp("`poetry check`", "it finds nothing wrong with such a file"),
)
