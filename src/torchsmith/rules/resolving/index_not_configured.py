"""
# The project names a CUDA build, but not the index that serves it

## What it means
A version with a local label (`torch==2.7.0+cu126`) exists on the PyTorch index of that label only. Where the command,
the requirements file or the project does not name that index, the installer finds no such version.

## How it is told
A labelled torch is asked for and not found among the versions of the default index; or a project file requires one
and names no index of that label.

## What to do
Name the index of the label: `--extra-index-url` in the command or in the first line of requirements.txt; an explicit
source with uv and Poetry.

## What not to do
Removing the label: that installs the default build instead. Another Python or driver changes nothing.

## Sources
PyTorch index listings; documentation of pip, uv and Poetry on indexes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.rules.common import index_label
from torchsmith.rules.resolving.shared import FAMILY, address, bind_poetry, bind_uv, is_pytorch, label_of, projects


@rule("index-not-configured")
def check(pasted_project: PastedProject, transcript: Transcript) -> Iterator[Finding]:
    """A labelled requirement of torch and no index of that label in sight."""
    labels = {label for d in pasted_project.dependencies if d.package in FAMILY and (label := _label(d.specifier))}
    named = {index_label(s.url).rpartition("/")[2] for s in pasted_project.sources}
    named |= {index_label(i.url).rpartition("/")[2] for r in transcript.requests for i in r.indexes}
    any_pytorch = any(is_pytorch(s.url) for s in pasted_project.sources) or any(is_pytorch(i.url) for i in transcript.indexes)
    lacking = sorted(labels - named)
    if not lacking or any_pytorch or not pasted_project.tables:
        return
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"The project requires torch with the label {lacking[0]} and names no index that serves it",
        evidence=(
            Proof("pasted_project", f"+{lacking[0]}; sources: {', '.join(s.name for s in pasted_project.sources) or 'none'}"),
        ),
        remedies=_remedies(lacking[0], projects_tool(pasted_project)),
        wont_help=_WONT,
        confidence=0.7,
    )


def _label(specifier: str) -> str:
    found = re.search(r"\+(cu\d{2,3}|cpu|xpu|rocm[\d.]+)", specifier)
    return found[1] if found else ""


def projects_tool(project: PastedProject) -> str:
    """The manager whose tables the project has."""
    return next((tool for tool in ("poetry", "uv") if any(table.startswith(f"tool.{tool}") for table in project.tables)), "pip")


@told("index-not-configured")
def answer(seen: Seen) -> Advice:
    """With the build that was asked for."""
    label = _label(seen.captured("version")) or label_of(seen)
    what = f"torch with the label {label}" if label else "this torch build"
    return Advice(
        "package:torch",
        f"{what[0].upper()}{what[1:]} is on the PyTorch index of that build only, and the installer was not told of it",
        remedies=_remedies(
            label, projects_tool(projects(seen)) if projects(seen).tables else "uv" if seen.has("uv-context") else "pip"
        ),
        wont_help=_WONT,
    )


def _remedies(label: str, tool: str) -> tuple[Remedy, ...]:
    if tool == "uv":
        return (bind_uv(label, why="this index has that build"),)
    if tool == "poetry":
        return (bind_poetry(label, why="this index has that build"),)
    commands = (("python", "-m", "pip", "install", "torch", "torchvision", "--index-url", address(label)),) if label else ()
    return (
        Remedy("Name the PyTorch index of that build", "the default index has no version with such a label", commands=commands),
    )


_WONT = (
    WontHelp("Taking the label away", "the default index then gives its own build, which may be CPU or another CUDA"),
    WontHelp("Another Python version or a newer pip", "the version is on another index"),
)
