"""Ways to install torch with this project's own judgement of each, and what the criteria weigh for a goal."""

from __future__ import annotations

from torchsmith.knowledge.compiled.approaches import ROWS
from torchsmith.knowledge.compiled.criteria import ROWS as CRITERIA
from torchsmith.model.choice import GOALS, Approach


def every() -> tuple[Approach, ...]:
    """All approaches; judgements from 0 to 1."""
    return tuple(Approach(*row[:6], *(judged / 100 for judged in row[6:12]), row[12] or "", row[13] or "") for row in ROWS)


def weights(goal: str) -> dict[str, int]:
    """What each criterion weighs for a goal, in the order of the decision matrix."""
    place = GOALS.index(goal)
    return {row[0]: row[4 + place] for row in CRITERIA}


def titles() -> dict[str, str]:
    """How the decision matrix calls each criterion."""
    return {row[0]: row[1] for row in CRITERIA}


def short_titles() -> dict[str, str]:
    """The same for the head of a narrow column."""
    return {row[0]: row[2] for row in CRITERIA}


def praise() -> dict[str, str]:
    """What is said of the option that a criterion puts before another."""
    return {row[0]: row[3] for row in CRITERIA}
