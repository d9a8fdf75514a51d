"""
# A Poetry dependency names a source that is not defined

## What it means
A dependency (or the lock file) says `source = "NAME"`, and no [[tool.poetry.source]] has that name: it was renamed,
removed, or never written.

## How it is told
Poetry ends with `Repository "NAME" does not exist`; or a pasted project file names a source that none of its source
tables defines.

## What to do
Define the source with `poetry source add --priority explicit NAME URL`, or correct the name, then lock again.

## What not to do
Deleting the environment or the cache: the name is missing in pyproject.toml or still stands in poetry.lock.

## Sources
Poetry's documentation on package sources; reproduced with Poetry 1.8 and 2.x on a local index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.rules.resolving.shared import address


@rule("poetry-source-undefined")
def check(pasted_project: PastedProject) -> Iterator[Finding]:
    """Only where some source is defined: an excerpt without any says nothing of the others."""
    defined = {source.name.lower() for source in pasted_project.of("poetry")}
    lacking = [
        b
        for b in pasted_project.bindings
        if b.tool == "poetry" and b.source.lower() not in defined and b.source.lower() != "pypi"
    ]
    if not defined or not lacking:
        return
    binding = lacking[0]
    yield Finding(
        Severity.BLOCKER,
        "project",
        f"{binding.package} names the source {binding.source}, which no [[tool.poetry.source]] defines",
        evidence=(Proof("pasted_project", f"defined: {', '.join(sorted(defined))}"),),
        remedies=_remedies(binding.source),
        wont_help=_WONT,
        confidence=0.85,
    )


@told("poetry-source-undefined")
def answer(seen: Seen) -> Advice:
    """With the name that is missing."""
    name = seen.captured("source", "poetry-repository-undefined")
    return Advice(
        "project",
        f"The project or its lock file names the source {name or 'of torch'}, which is not defined",
        remedies=_remedies(name),
        wont_help=_WONT,
    )


def _remedies(name: str) -> tuple[Remedy, ...]:
    build = re.search(r"(?:cu\d{2,3}|cpu|xpu)$", name)
    commands: tuple[tuple[str, ...], ...] = ()
    if build and re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", name):
        commands = (("poetry", "source", "add", "--priority", "explicit", name, address(build[0])),)
    return (
        Remedy(
            "Define the source in pyproject.toml, or correct its name", "then lock again", Safety.DISPLAY_ONLY, commands=commands
        ),
        Remedy("Lock again", "the lock file keeps the names of its sources", commands=(("poetry", "lock"),)),
    )


_WONT = (
    WontHelp(
        "Clearing Poetry's cache or deleting the environment", "the name is missing in pyproject.toml, or stands in poetry.lock"
    ),
    WontHelp("`poetry config repositories.NAME URL`", "that is for publishing, not for installing"),
)
