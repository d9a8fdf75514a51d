"""Ways to install torch with this project's own judgement of each, and what the criteria weigh for a goal."""

from __future__ import annotations

from torchsmith.knowledge.compiled.approaches import ROWS
from torchsmith.knowledge.compiled.criteria import ROWS as CRITERIA
from torchsmith.model.choice import GOALS, Approach


def every() -> tuple[Approach, ...]:
    """All approaches; judgements from 0 to 1."""
    return tuple(
        Approach(
            *row[:6],
            reversible=row[6] / 100,
            reliability=row[7] / 100,
            flexibility=row[8] / 100,
            upkeep=row[9] / 100,
            reproducible=row[10] / 100,
            contained=row[11] / 100,
            tool=row[12] or "",
            get=row[13] or "",
        )
        for row in ROWS
    )


def weights(goal: str) -> dict[str, int]:
    """What each criterion weighs for a goal, in the order of the decision matrix."""
    place = GOALS.index(goal)
    return {name: weighed[place] for name, _title, _short, _better, *weighed in CRITERIA}


def titles() -> dict[str, str]:
    """How the decision matrix calls each criterion."""
    return {row[0]: row[1] for row in CRITERIA}


def short_titles() -> dict[str, str]:
    """The same for the head of a narrow column."""
    return {row[0]: row[2] for row in CRITERIA}


def praise() -> dict[str, str]:
    """What is said of the option that a criterion puts before another."""
    return {row[0]: row[3] for row in CRITERIA}
