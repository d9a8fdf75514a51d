"""How a constraint declares itself: a named function with the fields of the candidate that its answer depends on.

    @constraint("driver", "cuda")
    def driver(candidate: Candidate, situation: Situation) -> Reason | Risk | None:

The engine calls it once per distinct value of those fields, not once per candidate. A Reason rejects, a Risk is told
with the option, None is content. What nobody could tell is a Risk at most: a constraint never rejects on an Unknown.
"""

from __future__ import annotations

from operator import attrgetter

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate, Reason, Risk

    Answered = Reason | Risk | None
    Judge = Callable[[Candidate, Situation], Answered]
    JudgeOfApproach = Callable[[Approach, Situation], Answered]


@record
class Constraint:
    """A constraint on candidates: its name, the key of what it looks at, the function, and the fields behind the key.

    ``when`` says of a situation whether there is anything to ask; where there is not, no candidate is.
    """

    name: str
    key: Any
    judge: Any
    fields: tuple[str, ...] = ()
    when: Any = None


@record
class ApproachConstraint:
    """A constraint on approaches."""

    name: str
    judge: Any


def constraint(name: str, *fields: str, when: Callable[[Situation], bool] | None = None) -> Callable[[Judge], Constraint]:
    """Make a function a constraint on candidates that looks at these ``fields`` of them alone."""

    def made(function: Judge) -> Constraint:
        return Constraint(name, attrgetter(*fields), function, fields, when)

    return made


def approach_constraint(name: str) -> Callable[[JudgeOfApproach], ApproachConstraint]:
    """Make a function a constraint on approaches."""

    def made(function: JudgeOfApproach) -> ApproachConstraint:
        return ApproachConstraint(name, function)

    return made
