"""Options in order: each approach with the builds that it can take, by the sum of what the criteria are worth."""

from __future__ import annotations

from torchsmith.choose import criteria, hardware, standing
from torchsmith.choose.constraints import system
from torchsmith.choose.packages import pins
from torchsmith.choose.reject import CPU
from torchsmith.knowledge import approaches
from torchsmith.model.choice import Option, Risk, Score
from torchsmith.model.facts.torch import Torch
from torchsmith.model.record import replace
from torchsmith.model.versions import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from torchsmith.choose.criteria import Criterion
    from torchsmith.choose.reject import Judged, Row, Way
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate, Pin

    Scores = tuple[Score, ...]
    Packages = tuple[str | None, tuple[Pin, ...]]
    Pair = tuple[bool, float, Way, Row]
    Asked = tuple[Any, Any, str, dict[object, Score]]
    Near = tuple[float, int, int, str, str, str, Row]

REASONS = 3
"""So many criteria say why an option stands before the next one."""
LEAST = 0.05
"""A difference below it is not told."""


def options(judged: Judged, situation: Situation, weights: Mapping[str, int], *, every: bool) -> tuple[Option, ...]:
    """The options, best first; of each approach and build the best candidate, or with ``every`` all of them.

    What leaves a GPU idle stands behind everything that uses it, whatever else speaks for it.
    """
    of_rows = _Scores(criteria.OF_CANDIDATES, "certainty", situation, weights)
    of_ways = _Scores(criteria.OF_APPROACHES, "reliability", situation, weights)
    ways = [way for way in judged.ways if not way.reasons]
    pairs: list[Pair] = []
    near = _near(judged, ways, of_rows, every=every)
    manager = standing.own_manager(situation)
    idle = bool(hardware.idle(situation))  # a GPU that nobody saw puts nothing before a CPU build
    for way in ways:
        own, seen, stop = of_ways.total(way.approach, way.answers), set(), ~way.relief
        channels, cpu = frozenset(way.approach.channels), way.approach.name == CPU
        for total, _, mask, channel, build, kind, row in near:
            if mask & stop or channel not in channels or (cpu and kind != CPU) or (build in seen and not every):
                continue
            seen.add(build)
            cells = _spared(of_rows.of(row.candidate, row.answers)) if way.approach.name == manager else ()
            worth = sum(cell.worth * cell.weight for cell in cells) if cells else total
            pairs.append((idle and kind == CPU, own + worth, way, row))
    used = not all(pair[0] for pair in pairs)
    pairs.sort(key=lambda pair: (used and pair[0], -pair[1]))
    whole, order = sum(weights.values()) or 1, {name: place for place, name in enumerate(weights)}
    made: list[Option] = []
    beside: dict[Candidate, Packages] = {}
    for rank, (_, total, way, row) in enumerate(pairs, 1):
        of_row = of_rows.of(row.candidate, row.answers)
        cells = (*(_spared(of_row) if way.approach.name == manager else of_row), *of_ways.of(way.approach, way.answers))
        scores = tuple(sorted(cells, key=lambda score: order[score.criterion]))
        if row.candidate not in beside:  # many approaches take the same candidate
            beside[row.candidate] = _packages(row.candidate, situation)
        option = _option(rank, total / whole, way, row, scores, beside[row.candidate])
        made.append(_installed(option, situation) if way.approach.name == manager else option)
    return with_reasons(made, [used and pair[0] for pair in pairs])


def _near(judged: Judged, ways: Sequence[Way], scores: _Scores, *, every: bool) -> list[Near]:
    """What some approach may take, best first; the order of a tie is that of the tables, newest release first.

    Of the rows that no approach can tell apart only the best is kept, unless ``every`` one is wanted.
    """
    stop = ~_union(way.relief for way in ways)
    found: dict[object, Near] = {}
    for place, row in enumerate(reversed(judged.rows)):
        candidate, mask, answers = row.candidate, row.mask, row.answers
        if not mask & stop:
            channel, build, kind = candidate.channel, candidate.build, candidate.kind
            total = scores.total(candidate, answers, (channel, candidate.torch, build))
            alike = place if every else (mask, channel, build, kind)
            best = found.get(alike)
            if best is None or total > best[0]:
                found[alike] = (total, place, mask, channel, build, kind, row)
    return sorted(found.values(), key=lambda near: (-near[0], near[1]))


def _spared(cells: Scores) -> Scores:
    """What manages the environment fetches nothing where torch is already there."""
    if not any(cell.criterion == "change" and cell.shown == criteria.NOTHING for cell in cells):
        return cells
    return tuple(Score(c.criterion, 0, 1.0, c.weight) if c.criterion.endswith("_bytes") else c for c in cells)


def _union(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= bit
    return found


def _constant(criterion: Criterion) -> Criterion:
    """A criterion to which all candidates are the same in this situation."""
    return replace(criterion, key=lambda _: None)


class _Scores:
    """The cells of candidates or approaches, each distinct value judged once; the last is what risks leave of certainty."""

    def __init__(self, judges: Sequence[Criterion], rest: str, situation: Situation, weights: Mapping[str, int]) -> None:
        asked = [judge if judge.when is None or judge.when(situation) else _constant(judge) for judge in judges]
        known: list[Asked] = [(judge.key, judge.judge, judge.name, {}) for judge in asked]
        # What the Pythons of a build share is summed once for all of them.
        self._shared = [pair for judge, pair in zip(asked, known, strict=True) if "python" not in judge.fields]
        self._others = [pair for judge, pair in zip(asked, known, strict=True) if "python" in judge.fields]
        self._certain: dict[int, tuple[object, Score]] = {}
        self._sums: dict[object, float] = {}
        self._rest, self._left = rest, dict[float, Score]()
        self._situation, self._weights = situation, weights

    def of(self, what: Candidate | Approach, answers: Iterable[object]) -> Scores:
        """One cell per criterion."""
        return (*self._cells(self._shared, what), *self._cells(self._others, what), self._certainty(what, answers))

    def total(self, what: Candidate | Approach, answers: Iterable[object], build: object = None) -> float:
        """What they are worth together, in weights; ``build`` names what shares all but its Python."""
        sum_ = self._sums.get(build) if build else None
        if sum_ is None:
            sum_ = sum([cell.worth * cell.weight for cell in self._cells(self._shared, what)])
            self._sums[build] = sum_
        for cell in self._cells(self._others, what):
            sum_ += cell.worth * cell.weight
        known = self._certain.get(id(answers)) if build else None
        if known is None:  # the answers are held with what they leave, so no other will get their number
            known = self._certain[id(answers)] = answers, self._certainty(what, answers)
        return sum_ + known[1].worth * known[1].weight

    def _cells(self, criteria: Sequence[Asked], what: Candidate | Approach) -> list[Score]:
        cells = []
        for key_of, judge, name, known in criteria:
            key = key_of(what)
            score = known.get(key)
            if score is None:
                shown, worth = judge(what, self._situation)
                score = known[key] = Score(name, shown, worth, self._weights.get(name, 0))
            cells.append(score)
        return cells

    def _certainty(self, what: Candidate | Approach, answers: Iterable[object]) -> Score:
        left = getattr(what, self._rest, 1.0)
        for answer in answers:
            if type(answer) is Risk:
                left -= answer.weight
        known = self._left.get(left)
        if known is None:
            worth = round(max(0.0, left), 3)
            known = self._left[left] = Score(self._rest, worth, worth, self._weights.get(self._rest, 0))
        return known


def _option(rank: int, score: float, way: Way, row: Row, scores: Scores, beside: Packages) -> Option:
    risks = tuple(dict.fromkeys(answer.text for answer in (*way.answers, *row.answers) if isinstance(answer, Risk)))
    return Option(rank, way.approach, row.candidate, *beside, scores, score, risks)


def _installed(option: Option, situation: Situation) -> Option:
    """Whether its files exist and load is no question where they are installed; nor what changes in files that ask for it."""
    if option.approach.name == situation.project.manager and _said(option):
        return replace(option, declared=True)
    if not any(score.criterion == "change" and score.shown == criteria.NOTHING for score in option.scores):
        return option
    said = (asked.judge(option.candidate, situation) for asked in (system.evidence, system.glibc))
    moot = {answer.text for answer in said if isinstance(answer, Risk)}
    return replace(option, risks=tuple(risk for risk in option.risks if risk not in moot))


def _said(option: Option) -> bool:
    return any(score.criterion == "change" and score.shown == criteria.SAID for score in option.scores)


def _packages(candidate: Candidate, situation: Situation) -> Packages:
    index = index_for(candidate, situation)
    return index, pins(candidate, situation, index)


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
    praise = approaches.praise()
    told = []
    for place, option in enumerate(ordered):
        if place + 1 == len(ordered):
            told.append(option)
        elif idle[place + 1] and not idle[place]:
            told.append(
                replace(option, why=f"Before {_next(option, ordered[place + 1])}: it uses the GPU, which that one leaves idle.")
            )
        else:
            told.append(replace(option, why=_why(option, ordered[place + 1], praise)))
    return tuple(told)


def _why(option: Option, other: Option, praise: Mapping[str, str]) -> str:
    gains = []
    ahead = 0.0
    for mine, its in zip(option.scores, other.scores, strict=True):
        if mine is not its:
            gain = (mine.worth - its.worth) * mine.weight
            ahead += gain
            if gain >= LEAST:
                gains.append((gain, mine.criterion))
    gains.sort(key=lambda gain: -gain[0])
    if not gains or ahead < LEAST / 10:
        return f"Level with {_next(option, other)}: the tables' order decides."
    said = ", ".join(f"{praise[name]} (+{gain:.1f})" for gain, name in gains[:REASONS])
    return f"Before {_next(option, other)}, by {ahead:.1f} points: {said}."


def _next(option: Option, other: Option) -> str:
    python = other.candidate.python
    same = python == option.candidate.python
    return f"the next, {other.approach.name} with torch {other.candidate.version}{'' if same else f' for Python {python}'}"
