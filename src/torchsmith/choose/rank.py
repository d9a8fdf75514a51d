"""Options in order: each approach with the builds that it can take, by the sum of what the criteria are worth."""

from __future__ import annotations

from torchsmith.choose import criteria
from torchsmith.choose.packages import pins
from torchsmith.knowledge import approaches
from torchsmith.model.choice import Option, Risk, Score
from torchsmith.model.facts.torch import Torch
from torchsmith.model.record import replace
from torchsmith.model.versions import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torchsmith.choose.criteria import Criterion
    from torchsmith.choose.reject import Judged, Row, Way
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate

    Scores = tuple[Score, ...]
    Pair = tuple[bool, float, Way, Row]

REASONS = 3
"""So many criteria say why an option stands before the next one."""


def options(judged: Judged, situation: Situation, weights: Mapping[str, int], *, every: bool) -> tuple[Option, ...]:
    """The options, best first; of each approach and build the best candidate, or with ``every`` all of them.

    What leaves a GPU idle stands behind everything that uses it, whatever else speaks for it.
    """
    of_rows = _Scores(criteria.OF_CANDIDATES, "certainty", situation, weights)
    of_ways = _Scores(criteria.OF_APPROACHES, "reliability", situation, weights)
    ways = [way for way in judged.ways if not way.reasons]
    # What no approach can take is not scored; the order of a tie is that of the tables, newest release first.
    reach = _union(way.relief for way in ways)
    near = [(of_rows.total(row.candidate, row.answers), row) for row in reversed(judged.rows) if not row.mask & ~reach]
    near.sort(key=lambda pair: -pair[0])
    used = any(row.candidate.kind != "cpu" and way.takes(row) for way in ways for _, row in near)
    pairs: list[Pair] = []
    for way in ways:
        own, seen = of_ways.total(way.approach, way.answers), set()
        for total, row in near:
            if (not every and row.candidate.build in seen) or not way.takes(row):
                continue
            seen.add(row.candidate.build)
            pairs.append((used and row.candidate.kind == "cpu", own + total, way, row))
    pairs.sort(key=lambda pair: (pair[0], -pair[1]))
    whole, order = sum(weights.values()) or 1, {name: place for place, name in enumerate(weights)}
    made = []
    for rank, (_, total, way, row) in enumerate(pairs, 1):
        scores = sorted(
            (*of_rows.of(row.candidate, row.answers), *of_ways.of(way.approach, way.answers)), key=lambda score: order[score.criterion]
        )
        made.append(_option(rank, total / whole, way, row, tuple(scores), situation))
    return with_reasons(made, [pair[0] for pair in pairs])


def _union(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= bit
    return found


class _Scores:
    """The cells of candidates or approaches, each distinct value judged once; the last is what risks leave of certainty."""

    def __init__(self, judges: Sequence[Criterion], rest: str, situation: Situation, weights: Mapping[str, int]) -> None:
        self._known: list[tuple[Criterion, dict[object, Score]]] = [(criterion, {}) for criterion in judges]
        self._rest, self._left = rest, dict[float, Score]()
        self._situation, self._weights = situation, weights

    def of(self, what: Candidate | Approach, answers: Iterable[object]) -> Scores:
        """One cell per criterion."""
        cells = []
        for criterion, known in self._known:
            key = criterion.key(what)
            score = known.get(key)
            if score is None:
                shown, worth = criterion.judge(what, self._situation)
                score = known[key] = Score(criterion.name, shown, worth, self._weights.get(criterion.name, 0))
            cells.append(score)
        left = getattr(what, self._rest, 1.0) - sum(answer.weight for answer in answers if type(answer) is Risk)
        if left not in self._left:
            worth = round(max(0.0, left), 3)
            self._left[left] = Score(self._rest, worth, worth, self._weights.get(self._rest, 0))
        cells.append(self._left[left])
        return tuple(cells)

    def total(self, what: Candidate | Approach, answers: Iterable[object]) -> float:
        """What they are worth together, in weights."""
        return sum(cell.worth * cell.weight for cell in self.of(what, answers))


def _option(rank: int, score: float, way: Way, row: Row, scores: Scores, situation: Situation) -> Option:
    risks = tuple(dict.fromkeys(answer.text for answer in (*way.answers, *row.answers) if isinstance(answer, Risk)))
    index = index_for(row.candidate, situation)
    packages = pins(row.candidate, situation, index)
    return Option(rank, way.approach, row.candidate, index, packages, scores, score, risks)


def index_for(candidate: Candidate, situation: Situation) -> str | None:
    """The wheel index that has to be named; None where the default package index gives that very build.

    It does not where another build of the release is installed, which an installer would take for the same, nor where the
    project takes torch from a source of its own.
    """
    if candidate.channel != "wheel":
        return None
    have = situation.torch
    other = isinstance(have, Torch) and public(have.version) == candidate.torch and have.build != candidate.build
    bound = any(binding.package == "torch" for binding in situation.project.bindings)
    return None if candidate.default and not other and not bound else candidate.index


def with_reasons(ordered: Sequence[Option], idle: Sequence[bool]) -> tuple[Option, ...]:
    """Each with what puts it before the next one: the largest differences in weighted worth."""
    told = []
    for place, option in enumerate(ordered):
        if place + 1 == len(ordered):
            told.append(option)
        elif idle[place + 1] and not idle[place]:
            told.append(replace(option, why="Before the next one: it uses the GPU, which that one leaves idle."))
        else:
            told.append(replace(option, why=_why(option, ordered[place + 1])))
    return tuple(told)


def _why(option: Option, other: Option) -> str:
    praise = approaches.praise()
    gains = [
        ((mine.worth - its.worth) * mine.weight, mine.criterion) for mine, its in zip(option.scores, other.scores, strict=True)
    ]
    ahead = sum(gain for gain, _ in gains)
    best = sorted((gain for gain in gains if gain[0] >= 0.05), key=lambda gain: -gain[0])[:REASONS]
    if not best or ahead < 0.005:
        return "Level with the next one: the tables' order decides."
    said = ", ".join(f"{praise[name]} (+{gain:.1f})" for gain, name in best)
    return f"Before the next one by {ahead:.1f} points: {said}."
