"""Why a candidate is not offered: what was asked about, the reasons against its best row, and what would have to change."""

from __future__ import annotations

from torchsmith.model.choice import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.reject import Judged
    from torchsmith.choose.situation import Situation


def answer(judged: Judged, situation: Situation, question: str) -> Answer:
    """The answer to one question: a build label, a release, an approach, a Python."""
    wanted = question.strip().lower()
    for way in judged.ways:
        if way.approach.name == wanted:
            return Answer(question, "rejected" if way.reasons else "offered", way.reasons)
    rows = [row for row in judged.rows if row.candidate.build == wanted and row.candidate.python == situation.python]
    if not rows:
        return Answer(question, "unknown-candidate")
    best = min(reversed(rows), key=lambda row: row.mask.bit_count())
    reasons = best.reasons(0, judged.names)
    changes = tuple(reason.unless for reason in reasons if reason.unless)
    return Answer(question, "rejected" if reasons else "offered", reasons, changes)
