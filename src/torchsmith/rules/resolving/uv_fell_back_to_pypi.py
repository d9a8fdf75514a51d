"""
# uv took torch from the default index though another was meant

## What it means
An index was named, but nothing ties torch to it: an explicit index that [tool.uv.sources] does not mention is never
asked; a marker on the source leaves this platform out; an index given on the command line with `uv add` is not kept
for the next sync. torch then comes from the default index: a CPU build on Windows, the default CUDA build on Linux.

## How it is told
The project names a PyTorch index as explicit and binds no torch to it; the lock file has torch from another registry;
or uv added a torch without local label after a command that named a CUDA index.

## What to do
Bind torch and its family to the index in [tool.uv.sources], with markers that include this platform; then lock and
sync.

## What not to do
Reinstalling with `uv pip install` by hand: the next `uv sync` or `uv run` goes by the lock again.

## Sources
uv's documentation on indexes and on PyTorch; resolved with local indexes in tests of this project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import cuda_of_label, local_label
from torchsmith.rules.common import index_label
from torchsmith.rules.resolving.shared import BLAME, bind_uv, is_pytorch, label_of, pytorch, transcripts, wanted


@rule("uv-fell-back-to-pypi", explains=("cpu-only-build", "wrong-index-for-platform"))
def check(pasted_project: PastedProject, transcript: Transcript, machine: Machine | Unknown) -> Iterator[Finding]:
    """An index that nothing is bound to, or a lock that names another registry than the project does."""
    why = (
        _marked_away(pasted_project, machine)
        or _came_plain(transcript)
        or _libraries_of_another(transcript)
        or _behind_another(transcript)
        or _unbound(pasted_project)
        or _locked_elsewhere(pasted_project)
    )
    if why:
        yield Finding(
            Severity.BLOCKER,
            "package:torch",
            why,
            evidence=(Proof("pasted_project", why),),
            remedies=(bind_uv(wanted(pasted_project, transcript), why="torch is then looked for there and nowhere else"),),
            wont_help=_WONT,
            confidence=0.8,
        )


def _came_plain(transcript: Transcript) -> str:
    """A torch that uv added without the label of the index that its command named."""
    came = next((c for c in reversed(transcript.of("torch")) if c.manager == "uv" and c.after), None)
    meant = [
        i for r in transcript.asked("uv", "uv pip") for i in r.indexes if cuda_of_label(index_label(i.url).rpartition("/")[2])
    ]
    if came is None or not meant or local_label(came.after) or came.before:
        return ""
    return f"The command named the index {index_label(meant[-1].url)}, and uv installed torch {came.after} of the default index"


def _marked_away(project: PastedProject, machine: Machine | Unknown) -> str:
    """Every source of torch has a marker that leaves this system out."""
    bound = project.bound("torch", "uv")
    if isinstance(machine, Unknown) or machine.os != "windows" or not bound:
        return ""
    if all(re.search(r"== ?['\"](?:linux|Linux|darwin|Darwin)['\"]", b.marker) and "win32" not in b.marker for b in bound):
        return f"The source of torch counts for other systems only ({bound[0].marker}), so Windows gets the default index's"
    return ""


def _libraries_of_another(transcript: Transcript) -> str:
    """CUDA libraries that come to a CPU build: uv resolved the default index's torch, which has the same version."""
    cpu = next((c for c in transcript.of("torch") if c.manager == "uv" and local_label(c.after) == "cpu"), None)
    later = [c for c in transcript.changes if cpu and c.package.startswith("nvidia-") and c.after and c.line > cpu.line]
    if cpu is None or not later:
        return ""
    return f"torch {cpu.after} is there, and a later command resolved the default index's torch: it brought {later[0].package}"


def _behind_another(transcript: Transcript) -> str:
    """Uv takes a package from the first index that has it, and extra indexes come before ``--index-url``."""
    for request in transcript.asked("uv", "uv pip"):
        last = [index for index in request.indexes if index.kind == "index" and is_pytorch(index.url)]
        first = [index for index in request.indexes if index.kind == "extra" and not is_pytorch(index.url)]
        if last and first:
            return f"uv asks the extra index before the index {index_label(last[0].url)}, and finds torch there"
    return ""


def _unbound(project: PastedProject) -> str:
    """An explicit index without any package."""
    used = {binding.source for binding in project.bindings}
    idle = [source for source in pytorch(project.of("uv")) if source.explicit and source.name not in used]
    if not idle or project.bound("torch", "uv"):
        return ""
    return f"The index {idle[0].name} is explicit, but [tool.uv.sources] takes nothing from it: uv never asks it for torch"


def _locked_elsewhere(project: PastedProject) -> str:
    locked = [entry for entry in project.locked if entry.package == "torch" and entry.tool == "uv" and entry.source]
    meant = pytorch(project.of("uv"))
    if not locked or not meant or any(is_pytorch(entry.source) for entry in locked):
        return ""
    return f"The lock file has torch {locked[0].version} from another registry than {meant[0].name or meant[0].url}"


@told("uv-fell-back-to-pypi")
def answer(seen: Seen) -> Advice:
    """With the version that came, where the log names it."""
    came = next((change.after for change in reversed(transcripts(seen).of("torch")) if change.after), "")
    return Advice(
        "package:torch",
        f"uv took torch {came} from the default index, not from the PyTorch index that was meant".replace("  ", " "),
        remedies=(bind_uv(label_of(seen), why="torch is then looked for there and nowhere else"),),
        wont_help=_WONT,
        decide_by=(("uv", "tree", "--package", "torch"),),
    )


_WONT = (
    WontHelp("`uv pip install` of the right build by hand", "the next `uv sync` or `uv run` puts back what the lock names"),
    *BLAME,
)
