"""Candidates held against constraints: each keeps the set of those that it violates, as a bit mask.

Few distinct values stand behind many candidates, so each constraint judges each of them once. The sets are what everything
else is made of: an empty one is an option, the smallest ones are the least that would have to change.
"""

from __future__ import annotations

from operator import attrgetter

from torchsmith.model.choice import Candidate, Reason
from torchsmith.model.record import packed, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from torchsmith.choose.constraint import Answered, ApproachConstraint, Constraint
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach

CPU = "cpu"
"""The approach that leaves a GPU idle, and the kind of build that it takes."""


_new: Callable[[Any, Any], Any] = tuple.__new__
"""Rows are made by the thousand: past the check of their fields."""


@packed
class Row:
    """A candidate, the constraints that it violates (bit n is the nth of ``Judged.names``), and what they said.

    ``answers`` are the Reasons and Risks, in the order of the constraints.
    """

    candidate: Candidate
    mask: int
    answers: tuple[Reason | object, ...]

    def reasons(self, relief: int, names: Sequence[str]) -> tuple[Reason, ...]:
        """Why it is rejected, where the constraints in ``relief`` are made good."""
        reasons = (answer for answer in self.answers if isinstance(answer, Reason))
        return tuple(reason for reason in reasons if not relief or not relief >> names.index(reason.constraint) & 1)


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
    ways = []
    for approach in approaches:
        told = tuple(answer for check in on_approaches if (answer := check.judge(approach, situation)) is not None)
        ways.append(Way(approach, told, sum(bits[name] for name in approach.brings if name in bits)))
    asked = [constraint for constraint in constraints if constraint.when is None or constraint.when(situation)]
    return Judged(names, tuple(_rows(candidates, asked, bits, situation)), tuple(ways))


def _rows(
    candidates: Iterable[Candidate], constraints: Sequence[Constraint], bits: dict[str, int], situation: Situation
) -> Iterator[Row]:
    """A row per candidate. What the Pythons of a build share is judged once for all of them.

    Each constraint answers once per distinct value of the fields that it declares; constraints that do not look at the
    Python answer for the whole build.
    """
    known: list[dict[object, Answered]] = [{} for _ in constraints]
    checks = [
        (place, c.key, c.judge, bits[c.name], said, "python" in c.fields or not c.fields)
        for place, (c, said) in enumerate(zip(constraints, known, strict=True))
    ]
    of_build = [check[:5] for check in checks if not check[5]]
    of_python = [check[:5] for check in checks if check[5]]
    key_of_build = _together(c for c in constraints if c.fields and "python" not in c.fields)
    key_of_python = _together(c for c in constraints if not c.fields or "python" in c.fields)
    python = Candidate._fields.index("python")  # type: ignore[attr-defined]
    nothing: tuple[int, list[Answered]] = (0, [None] * len(constraints))
    builds: dict[object, tuple[int, list[Answered], dict[int, tuple[Any, ...]]]] = {}
    pythons: dict[object, tuple[int, list[Answered]]] = {}
    before: tuple[object, ...] | None = None
    for candidate in candidates:
        its = candidate[:python] + candidate[python + 1 :]  # type: ignore[index]
        if its != before:  # the build, which many releases have alike
            before, value = its, key_of_build(candidate)
            if value not in builds:
                answers: list[Answered] = [None] * len(constraints)
                builds[value] = _ask(of_build, candidate, situation, answers), answers, {}
            shared, of_all, told = builds[value]
        value = key_of_python(candidate)
        part = pythons.get(value)
        if part is None:
            answers = [None] * len(constraints)
            mask = _ask(of_python, candidate, situation, answers)
            part = pythons[value] = (mask, answers) if any(answer is not None for answer in answers) else nothing
        said = told.get(id(part))
        if said is None:  # most Pythons of a build are told the same
            both = zip(of_all, part[1], strict=True)
            said = told[id(part)] = tuple([a if b is None else b for a, b in both if a is not None or b is not None])
        yield _new(Row, (candidate, shared | part[0], said))


def _together(constraints: Iterable[Constraint]) -> Callable[[Candidate], object]:
    """What several constraints look at, as one key; the whole candidate where one of them does not say."""
    looked_at = dict.fromkeys(field for constraint in constraints for field in constraint.fields or ("",))
    if "" in looked_at:
        return lambda candidate: candidate
    return attrgetter(*looked_at) if looked_at else lambda _: None


def _ask(checks: Sequence[Any], candidate: Candidate, situation: Situation, answers: list[Any]) -> int:
    """The bits of the constraints that reject; every answer goes to its constraint's place."""
    mask = 0
    for place, key, function, bit, said in checks:
        value = key(candidate)
        if value not in said:
            said[value] = function(candidate, situation)
        answer = answers[place] = said[value]
        if type(answer) is Reason:
            mask |= bit
    return mask


def grouped(judged: Judged, python: str | None) -> list[tuple[list[Row], tuple[Reason, ...]]]:
    """Rejected builds, those of neighbouring releases together where the very same reasons speak against them.

    Of the Pythons of a build, that of the environment (``python``) speaks for it, else the one with the fewest reasons.
    """
    builds: dict[tuple[str, str, str], Row] = {}
    for row in judged.rows:
        candidate = row.candidate
        build = candidate.channel, candidate.build, candidate.torch
        best = builds.get(build)
        if best is None or (best.mask and _speaks(row, best, python)):
            builds[build] = row
    groups: list[tuple[list[Row], tuple[Reason, ...]]] = []
    open_groups: dict[tuple[str, str], tuple[list[Row], tuple[Reason, ...]]] = {}
    for (channel, label, _torch), best in builds.items():
        if not best.mask:
            open_groups.pop((channel, label), None)
            continue
        reasons = best.reasons(0, judged.names)
        last = open_groups.get((channel, label))
        if last and last[0][0].mask == best.mask and _same(last[1], reasons):
            last[0].append(best)
            continue
        groups.append(([best], reasons))
        open_groups[channel, label] = groups[-1]
    return groups


def _speaks(row: Row, other: Row, python: str | None) -> bool:
    """Whether less is against a row than against another of the same build, or as little, and it is for this Python."""
    few, fewest = row.mask.bit_count(), other.mask.bit_count()
    return few < fewest or (few == fewest and row.candidate.python == python)


def _same(some: tuple[Reason, ...], others: tuple[Reason, ...]) -> bool:
    """Whether the words hold for both: one entry speaks for a whole range of releases."""
    if len(some) != len(others):  # several constraints may bear one name
        return False
    return all(a is b or (a.because, a.unless) == (b.because, b.unless) for a, b in zip(some, others, strict=True))
