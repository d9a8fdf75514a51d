"""
# Two extras choose different torch builds and are not declared as conflicting

## What it means
uv resolves all extras and groups of a project together. Two of them that ask for different builds of torch (cpu and
cu128) cannot both hold, unless the project says that they exclude each other.

## How it is told
A project file has torch in two extras or groups, each bound to its own index, and `tool.uv.conflicts` does not name
them; or uv names the two that are incompatible.

## What to do
Declare them under [tool.uv] as `conflicts = [[{ extra = "cpu" }, { extra = "cu128" }]]`, bind torch per extra in
[tool.uv.sources], and sync with one of them: `uv sync --extra cu128`.

## What not to do
Pinning one version for both, or `--all-extras`: two builds of one release still exclude each other.

## Sources
uv's documentation on indexes and on PyTorch; resolved with local indexes in tests of this project.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp


@rule("uv-conflicting-extras")
def check(pasted_project: PastedProject) -> Iterator[Finding]:
    """Extras with bindings of their own that no conflict names."""
    project = pasted_project
    by_extra = {binding.extra: binding.source for binding in project.bound("torch", "uv") if binding.extra}
    declared = {name for group in project.conflicts for name in group}
    open_ones = [extra for extra in by_extra if extra not in declared]
    if (
        len(set(by_extra.values())) < 2
        or not open_ones
        or not any(d.where.startswith(("extra:", "group:")) for d in project.dependencies)
    ):
        return
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"The extras {', '.join(by_extra)} bind torch to different indexes,"
        f" and `tool.uv.conflicts` does not name {', '.join(open_ones)}",
        evidence=(Proof("pasted_project", ", ".join(f"{extra}: {source}" for extra, source in by_extra.items())),),
        remedies=_REMEDIES,
        wont_help=_WONT,
        confidence=0.8,
    )


@told("uv-conflicting-extras")
def answer(seen: Seen) -> Advice:
    """The same for every pair."""
    del seen
    return Advice(
        "package:torch",
        "Two extras or groups of the project want different builds of torch, and uv resolves them together",
        remedies=_REMEDIES,
        wont_help=_WONT,
    )


_REMEDIES = (
    Remedy(
        'Declare them under [tool.uv]: conflicts = [[{ extra = "cpu" }, { extra = "cu128" }]], and sync with one of them only',
        "uv then resolves each for itself",
        Safety.DISPLAY_ONLY,
    ),
)
_WONT = (
    WontHelp("`uv sync --all-extras`", "it asks for both builds at once"),
    WontHelp("The same version in both extras", "two builds of one release exclude each other just as well"),
)
