"""Extensions of torch held against the installed torch: an ``undefined symbol`` told before anything is imported."""

from __future__ import annotations

from torchsmith.derive import torch_symbols
from torchsmith.model.binding import Binding, LackingVersion, Unanswered
from torchsmith.model.finding import Severity
from torchsmith.model.inspection import Entry, Remark
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.facts.torch import Torch

MOST = 500
"""Extensions that are bound; an environment with all of torch's friends has a hundred."""


def judged(host: Host, entries: Iterable[Entry], torch: Torch) -> Iterator[Entry]:
    """The entries, those that use torch with what they need of it and do not get."""
    own = f"{torch.folder}/"
    listed = host.names(f"{own}lib")
    libraries = [
        f"{own}lib/{name}" for name in (listed.value if isinstance(listed, Known) else []) if torch_symbols.uses_torch((name,))
    ]
    entries = list(entries)
    abi = next((one.binary.abi.cxx11 for one in entries if one.binary and one.path.startswith(f"{own}lib/libc10.")), None)
    needs = {entry.path: entry.needs for entry in entries}
    left = MOST
    for entry in entries:
        binary = entry.binary
        if not binary or entry.path.startswith(own) or not torch_symbols.uses_torch(binary.needed):
            yield entry
            continue
        left -= 1
        if left < 0:
            yield replace(entry, warnings=(*entry.warnings, f"not held against torch's symbols: more than {MOST} extensions"))
            continue
        # All of torch's libraries are in a process that has imported it; the rest that the loader would search is its own.
        scope = tuple(dict.fromkeys((*libraries, *torch_symbols.scope(entry.path, needs))))
        answer = host.binding(entry.path, *scope)
        if isinstance(answer, Unknown):
            yield entry
            continue
        bound = binding(answer.value)
        if lost := [path for path, _ in bound.unread if path.startswith(own)]:
            why = f"not held against torch's symbols: {lost[0].rpartition('/')[2]} cannot be read"
            yield replace(entry, warnings=(*entry.warnings, why))
            continue
        found = torch_symbols.judge(bound, torch.version, cxx11=binary.abi.cxx11, torch_cxx11=abi, whole=False)
        yield replace(entry, torch_symbols=found)


def remarks(entries: Iterable[Entry]) -> Iterator[Remark]:
    """One for each extension that torch will not satisfy."""
    for entry in entries:
        found = entry.torch_symbols
        if found is None:
            continue
        yield Remark(
            "undefined-symbol" if found.missing else "symbol-version-missing",
            Severity.DEGRADED,
            entry.path,
            f"{entry.path.rpartition('/')[2]} cannot be loaded: {found.why}",
            (("the loader will say", found.message), ("symbols", ", ".join(found.readable[:8]))),
        )


def binding(data: dict[str, Any]) -> Binding:
    """The binding whose plain form the host answered."""
    return Binding(
        data["path"],
        data["wanted"],
        tuple(Unanswered(**one) for one in data["missing"]),
        tuple(LackingVersion(**one) for one in data["lacking"]),
        tuple((path, reason) for path, reason in data["unread"]),
    )
