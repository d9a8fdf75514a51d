"""Options in order: each approach with the builds that it can take, by the sum of what the criteria are worth."""

from __future__ import annotations

from torchsmith.choose.criteria import OF_APPROACHES, OF_CANDIDATES
from torchsmith.choose.packages import pins
from torchsmith.model.choice import Option, Risk, Score

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchsmith.choose.criteria import Criterion
    from torchsmith.choose.reject import Judged, Row, Way
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate

    Pair = tuple[float, Way, Row]


def options(judged: Judged, situation: Situation, weights: Mapping[str, int], *, every: bool) -> tuple[Option, ...]:
    """The options, best first; of each approach and build the best candidate, or with ``every`` all of them."""
    of_rows = _Scores(OF_CANDIDATES, situation, weights)
    of_ways = _Scores(OF_APPROACHES, situation, weights)
    # What no approach can take is not scored; the order of a tie is that of the tables, newest release first.
    reachable = [row for row in reversed(judged.rows) if any(way.takes(row) for way in judged.ways)]
    scored = sorted(((of_rows.total(row.candidate), row) for row in reachable), key=lambda pair: -pair[0])
    pairs: list[Pair] = []
    for way in judged.ways:
        own, seen = of_ways.total(way.approach), set()
        for total, row in scored:
            if not way.takes(row) or (not every and row.candidate.build in seen):
                continue
            seen.add(row.candidate.build)
            pairs.append((own + total, way, row))
    pairs.sort(key=lambda pair: -pair[0])
    whole = sum(weights.values()) or 1
    return tuple(
        _option(rank, total / whole, way, row, (*of_rows.of(row.candidate), *of_ways.of(way.approach)))
        for rank, (total, way, row) in enumerate(pairs, 1)
    )


class _Scores:
    """The cells of candidates or approaches, each distinct value judged once."""

    def __init__(self, criteria: Sequence[Criterion], situation: Situation, weights: Mapping[str, int]) -> None:
        self._known: list[tuple[Criterion, dict[object, Score]]] = [(criterion, {}) for criterion in criteria]
        self._situation, self._weights = situation, weights

    def of(self, what: Candidate | Approach) -> tuple[Score, ...]:
        """One cell per criterion."""
        cells = []
        for criterion, known in self._known:
            key = criterion.key(what)
            if key not in known:
                shown, worth = criterion.judge(what, self._situation)
                known[key] = Score(criterion.name, shown, worth, self._weights.get(criterion.name, 0))
            cells.append(known[key])
        return tuple(cells)

    def total(self, what: Candidate | Approach) -> float:
        """What they are worth together, in weights."""
        return sum(cell.worth * cell.weight for cell in self.of(what))


def _option(rank: int, score: float, way: Way, row: Row, scores: tuple[Score, ...]) -> Option:
    risks = tuple(dict.fromkeys(answer.text for answer in (*way.answers, *row.answers) if isinstance(answer, Risk)))
    return Option(rank, way.approach, row.candidate, row.candidate.index, pins(row.candidate), scores, score, risks)
