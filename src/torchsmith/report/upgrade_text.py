"""``plan --upgrade`` and ``plan --outdated`` for a person."""

from __future__ import annotations

from textwrap import wrap

from torchsmith.report import shell
from torchsmith.report.escape import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torchsmith.model.upgrade import Step, Upgrade

_REACH = {"nearest": "Nearest step", "newest": "Newest that fits", "nearest and newest": "The one step that fits"}


def render(answer: Upgrade, width: int = 80, *, short: bool = False) -> str:
    """The whole answer; ``short`` is one line per package."""
    if answer.status == "not-installed":
        newest = f"; the newest release is {answer.newest}" if answer.newest else ""
        return f"No torch is installed, so there is nothing to bring up to date{newest}. `torchsmith plan` chooses one.\n"
    lines = list(_outdated(answer)) if short else list(_whole(answer, max(40, min(width, 120))))
    return "\n".join(lines) + "\n"


def _outdated(answer: Upgrade) -> Iterator[str]:
    """One line per package with a newer version that fits; where there is none, one line that says why."""
    for each in answer.outdated:
        beside = f" (with torch {each.torch})" if each.torch else ""
        yield f"{safe(each.package)} {safe(each.installed)} -> {safe(each.fits)}{beside}"
    if answer.outdated:
        return
    if answer.status == "newest":
        yield f"torch {safe(answer.torch)} is the newest that the tables know: nothing is out of date."
    else:
        yield f"Nothing newer than torch {safe(answer.torch)} fits: {_held(answer)}"


def _held(answer: Upgrade) -> str:
    ceiling = next(iter(answer.ceilings), None)
    reason = next(iter(ceiling.reasons), None) if ceiling else None
    return f"torch {ceiling.torch}+{ceiling.build}: {safe(reason.because)}" if ceiling and reason else "no reason is known"


def _whole(answer: Upgrade, width: int) -> Iterator[str]:
    label = "" if "+" in answer.torch or not answer.build else f" ({answer.build})"
    python = f", Python {answer.python}" if answer.python else ""
    yield f"Installed: torch {safe(answer.torch)}{safe(label)}{python}"
    if answer.status == "newest":
        yield "It is the newest that the tables know for this machine: nothing to upgrade."
    elif answer.status == "held":
        yield "Nothing newer fits here."
    for step in answer.steps:
        yield ""
        yield from _step(step, answer.shell, width)
    for ceiling in answer.ceilings:
        yield ""
        yield f"Out of reach: torch {ceiling.torch}+{ceiling.build}"
        for reason in ceiling.reasons:
            unless = f" (would fit if: {reason.unless})" if reason.unless else ""
            yield from _item("-", f"{reason.because}{unless}", width)
    others = [each for each in answer.outdated if each.package not in {"torch", "torchvision", "torchaudio"}]
    if others:
        yield ""
        yield "Other packages with a newer version that fits:"
        for each in others:
            beside = f" (with torch {each.torch})" if each.torch else ""
            yield f"  - {safe(each.package)} {safe(each.installed)} -> {safe(each.fits)}{beside}"
    if answer.ends:
        yield ""
        yield from _item("Note:", answer.ends, width, indent="")


def _step(step: Step, shell_name: str, width: int) -> Iterator[str]:
    yield f"{_REACH.get(step.reach, step.reach)}: torch {step.candidate.version}"
    moved = [f"{move.package} {move.before} -> {move.after}" for move in step.moves]
    for title, said in (("gains", step.gains), ("moves with it", moved), ("breaks", step.breaks), ("risks", step.risks)):
        yield from _list(title, said, width)
    if step.option is None:
        yield "  No approach takes it as things stand: `torchsmith why-not` says why."
        return
    for command in step.option.commands:
        yield f"    {safe(shell.quoted(command, shell_name))}"


def _list(title: str, said: Iterable[str], width: int) -> Iterator[str]:
    for number, text in enumerate(said):
        if not number:
            yield f"  {title}:"
        yield from _item("-", text, width, indent="    ")


def _item(mark: str, text: str, width: int, indent: str = "  ") -> Iterator[str]:
    lead = f"{indent}{mark} "
    yield from wrap(safe(text), width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
