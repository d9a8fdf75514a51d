"""Candidates held against constraints: each keeps the set of those that it violates, as a bit mask.

Few distinct values stand behind many candidates, so each constraint judges each of them once. The sets are what everything
else is made of: an empty one is an option, the smallest ones are the least that would have to change.
"""

from __future__ import annotations

from torchsmith.model.choice import Reason
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchsmith.choose.constraint import Answered, ApproachConstraint, Constraint
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate

CPU = "cpu"
"""The approach that leaves a GPU idle, and the kind of build that it takes."""


@record
class Row:
    """A candidate, the constraints that it violates (bit n is the nth of ``Judged.names``), and what they said.

    ``answers`` are the Reasons and Risks, in the order of the constraints.
    """

    candidate: Candidate
    mask: int
    answers: tuple[Reason | object, ...]

    def reasons(self, relief: int, names: Sequence[str]) -> tuple[Reason, ...]:
        """Why it is rejected, where the constraints in ``relief`` are made good."""
        return tuple(a for a in self.answers if isinstance(a, Reason) and not relief >> names.index(a.constraint) & 1)


@record
class Way:
    """An approach: why it is rejected as such, its risks, and the constraints on candidates that it makes good."""

    approach: Approach
    answers: tuple[Reason | object, ...]
    relief: int

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it is rejected, whatever the candidate."""
        return tuple(answer for answer in self.answers if isinstance(answer, Reason))

    def serves(self, row: Row) -> bool:
        """Whether it can take the candidate from where that is served; the approach of that name takes CPU builds alone."""
        if self.approach.name == CPU and row.candidate.kind != CPU:
            return False
        return row.candidate.channel in self.approach.channels

    def takes(self, row: Row) -> bool:
        """Whether approach and candidate make an option."""
        return self.serves(row) and not row.mask & ~self.relief and not self.reasons


@record
class Judged:
    """Everything that was considered: the names of the constraints, the rows, the ways."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    ways: tuple[Way, ...]


def judge(
    candidates: Iterable[Candidate],
    approaches: Iterable[Approach],
    constraints: Sequence[Constraint],
    on_approaches: Sequence[ApproachConstraint],
    situation: Situation,
) -> Judged:
    """All candidates and approaches with what speaks against each."""
    names = tuple(dict.fromkeys(constraint.name for constraint in constraints))
    bits = {name: 1 << place for place, name in enumerate(names)}
    known: list[dict[object, Answered]] = [{} for _ in constraints]
    checks = [(c.key, c.judge, bits[c.name], said) for c, said in zip(constraints, known, strict=True)]
    rows = []
    for candidate in candidates:
        mask, answers = 0, []
        for key, function, bit, said in checks:
            value = key(candidate)
            if value not in said:
                said[value] = function(candidate, situation)
            answer = said[value]
            if answer is not None:
                answers.append(answer)
                if type(answer) is Reason:
                    mask |= bit
        rows.append(Row(candidate, mask, tuple(answers)))
    ways = []
    for approach in approaches:
        told = tuple(answer for check in on_approaches if (answer := check.judge(approach, situation)) is not None)
        ways.append(Way(approach, told, sum(bits[name] for name in approach.brings if name in bits)))
    return Judged(names, tuple(rows), tuple(ways))


def grouped(judged: Judged, python: str | None) -> list[tuple[list[Row], tuple[Reason, ...]]]:
    """Rejected builds, those of neighbouring releases together where the same constraints speak against them.

    Of the Pythons of a build, that of the environment (``python``) speaks for it, else the one with the fewest reasons.
    """
    builds: dict[tuple[str, str, str], list[Row]] = {}
    for row in judged.rows:
        builds.setdefault((row.candidate.channel, row.candidate.build, row.candidate.torch), []).append(row)
    groups: list[tuple[list[Row], tuple[Reason, ...]]] = []
    before: dict[tuple[str, str], tuple[int, list[Row]]] = {}
    for (channel, build, _torch), rows in builds.items():
        best = min(rows, key=lambda row: (row.mask.bit_count(), row.candidate.python != python))
        last = before.get((channel, build))
        if not best.mask:
            before.pop((channel, build), None)
            continue
        if last and last[0] == best.mask:
            last[1].append(best)
            continue
        before[channel, build] = best.mask, [best]
        groups.append((before[channel, build][1], ()))
    return [(rows, rows[-1].reasons(0, judged.names)) for rows, _ in groups]
