"""``plan --resolve``: the first options are put before a real resolver; what it cannot resolve is rejected in its own words."""

from __future__ import annotations

import time

from torchsmith.act import resolve
from torchsmith.choose import asked
from torchsmith.model.choice import Reason, Rejected
from torchsmith.model.record import replace
from torchsmith.report import choice_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.act.resolve import Resolution
    from torchsmith.model.choice import Choice, Option, Place

FIRST = 3
"""As many options are checked: each asks the index, and nobody reads on behind three that resolve."""

WHOLE = 300.0
"""Seconds for all questions together."""

MOST = 2
"""Times as many questions are put where some of them find no answer."""


def resolved(choice: Choice, place: Place, limit: int = FIRST) -> Choice:
    """The choice with its first ``limit`` options checked; those that do not resolve have moved to the rejected ones."""
    if choice.wishes.offline:
        return replace(choice, remarks=(*choice.remarks, "nothing was checked with a resolver: no network was wished for"))
    wanted = asked.installable(choice.wishes, place.packages)
    known: dict[object, Resolution] = {}
    kept: list[Option] = []
    rejected: list[Rejected] = []
    checked, ends = 0, time.monotonic() + WHOLE
    for option in choice.options:
        key, left = _asks(option), ends - time.monotonic()
        if left <= 0 and key not in known:
            kept.append(option)
            continue
        if checked >= limit or not option.commands or (key not in known and len(known) >= MOST * limit):
            kept.append(option)
            continue
        if key not in known:
            known[key] = resolve.check(option, place, wanted, min(resolve.LIMIT, left))
        told = known[key]
        if told.problem:
            rejected.append(_rejected(option, told))
            continue
        checked += told.checked is not None
        note = (told.why if told.checked else f"{choice_words.UNANSWERED}: {told.why}",) if told.why else ()
        kept.append(replace(option, checked=told.checked, notes=(*option.notes, *note)))
    options = tuple(replace(option, rank=rank) for rank, option in enumerate(kept, 1))
    return replace(
        choice,
        options=options,
        rejected=(*choice.rejected, *rejected),
        satisfied=choice.satisfied and _still(choice, options),
        remarks=(*choice.remarks, _remark(checked, len(choice.options), len(rejected))),
    )


def _asks(option: Option) -> tuple[object, ...]:
    """What decides a resolver's answer: options that differ in the approach alone are asked about once."""
    own = option.approach.name if option.approach.name in {"poetry", "pip", "cpu", "pip-tools"} else ""
    candidate = option.candidate
    return (own, candidate.channel, candidate.platform, candidate.python, candidate.build, option.index, option.packages)


def _rejected(option: Option, told: Resolution) -> Rejected:
    candidate = option.candidate
    shown = f"{option.approach.name}: torch {candidate.version}, Python {candidate.python}"
    reason = Reason("resolver", told.problem, str(told.checked))
    return Rejected(shown, (reason,), candidate.build, candidate.torch, candidate.torch, candidate.channel, option.approach.name)


def _still(before: Choice, options: tuple[Option, ...]) -> bool:
    """Whether what is left does what was asked: a CPU build does not where the first option was another."""
    kinds = {option.candidate.kind for option in options}
    first = before.options[0].candidate.kind if before.options else ""
    return bool(kinds) and (first == "cpu" or bool(kinds - {"cpu"}))


def _remark(checked: int, whole: int, rejected: int) -> str:
    more = f", and {rejected} that did not resolve moved to the rejected ones" if rejected else ""
    return f"{checked} of {whole} options were checked by a resolver{more}; the others are unchecked"
