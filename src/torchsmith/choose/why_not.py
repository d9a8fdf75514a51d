"""Why a candidate is not offered: what was asked about, the reasons against its best row, and what would have to change."""

from __future__ import annotations

from torchsmith.choose import conflicts, decide, questions, relax
from torchsmith.knowledge.compiled.torch_builds import ROWS
from torchsmith.knowledge.torch_builds import Build
from torchsmith.model.choice import Answer, Candidate, Reason
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.record import replace
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.choose.questions import Question
    from torchsmith.choose.reject import Judged, Row, Way
    from torchsmith.choose.relax import Pair
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Option

BUILDS = "torchsmith facts torch_builds"
OTHERS = 3
"""Further groups of builds that are told where they fail for other reasons."""


def answer(situation: Situation, question: str) -> Answer:
    """The answer to one question, in the words of ``questions``."""
    asked = questions.parse(question)
    understood = asked.terms or asked.approaches or asked.hypothetical
    if asked.unknown or not (understood or "torch" in question.lower()):
        return Answer(question, "unknown-candidate", nearest=asked.nearest, remarks=_not_understood(asked))
    situation = asked.situation(situation)
    judged = decide.judged(situation)
    rows = tuple(row for row in judged.rows if asked.matches(row.candidate))
    ways = tuple(way for way in judged.ways if asked.asks_for(way.approach))
    if "default" in {term.kind for term in asked.terms}:
        rows = _taken_by_default(rows, situation)
    useful = _useful(judged, rows, asked)
    if rows and not useful:
        return _idle(situation, asked, rows)
    considered = relax.pairs(judged, useful, ways)
    if not considered:
        return _never_published(judged, situation, asked, ways)
    best = min(considered, key=relax.nearness(situation))
    if not best.mask:
        return _offered(situation, asked, best, {(row.candidate.torch, row.candidate.build) for row in useful})
    told = relax.reasons(best, judged)
    if asked.approaches and best.way.reasons:
        told = (*best.way.reasons, *(reason for reason in told if reason not in best.way.reasons))
    changes = relax.changes(judged, situation, considered)
    return Answer(
        question,
        "rejected",
        told,
        tuple(" and ".join(change.conditions) for change in changes),
        remarks=(*_about(asked, best, useful), *_others(judged, considered, best)),
    )


def _not_understood(asked: Question) -> tuple[str, ...]:
    if not asked.unknown:
        return ("the question names nothing",)
    return tuple(f"{word} is no build, release, Python, approach, package, GPU or driver that is known" for word in asked.unknown)


def _useful(judged: Judged, rows: tuple[Row, ...], asked: Question) -> tuple[Row, ...]:
    """Without the CPU builds, where a GPU could be used and the question does not name them."""
    named = "cpu" in asked.approaches or any(term.kind == "build" for term in asked.terms)
    if named or conflicts.wanted(judged) is judged.rows:
        return rows
    return tuple(row for row in rows if row.candidate.kind != "cpu")


def _idle(situation: Situation, asked: Question, rows: tuple[Row, ...]) -> Answer:
    """What was asked about is a CPU build alone, and there is a GPU: it would work and not use it."""
    candidate = rows[-1].candidate
    devices = situation.gpus.devices if isinstance(situation.gpus, Gpus) else ()
    names = ", ".join(dict.fromkeys(device.name or "GPU" for device in devices)) or "GPU"
    because = f"on {candidate.platform} it is the CPU build (torch {candidate.torch}), which leaves the {names} idle"
    best = next((option for option in decide.decide(situation).options if option.candidate.kind != "cpu"), None)
    fits = (f"build {best.candidate.build} from {best.index}" if best.index else f"build {best.candidate.build}",) if best else ()
    return Answer(asked.text, "rejected", (Reason("accelerator", because, BUILDS, *fits),), fits)


def _taken_by_default(rows: tuple[Row, ...], situation: Situation) -> tuple[Row, ...]:
    """What an installer without an index takes: the newest release that has a wheel for this Python, else the newest."""
    own = [row for row in rows if row.candidate.python == situation.python] or list(rows)
    newest = max((key(row.candidate.torch) for row in own), default=())
    return tuple(row for row in own if key(row.candidate.torch) == newest)


def _offered(situation: Situation, asked: Question, best: Pair, useful: set[tuple[str, str]]) -> Answer:
    """Which options are it; where a better release or Python of the same build stands for it, which one that is."""
    choice = decide.decide(situation)
    options = [o for o in choice.options if _is_it(o, asked) and (o.candidate.torch, o.candidate.build) in useful]
    if options:
        remarks = tuple(f"option {option.rank}: {_named(option)}" for option in options[:OTHERS])
        if len(options) > OTHERS:
            remarks = (*remarks, f"and {len(options) - OTHERS} more")
        return Answer(asked.text, "offered", remarks=remarks, options=tuple(option.rank for option in options))
    candidate, approach = best.row.candidate, best.way.approach
    remark = f"torch {candidate.version} for Python {candidate.python} fits by {approach.title}; `plan --all` lists it"
    same = (o for o in choice.options if o.approach == approach and o.candidate.build == candidate.build)
    stands = next(same, None)
    if stands is None:
        return Answer(asked.text, "offered", remarks=(remark,))
    return Answer(asked.text, "offered", remarks=(remark, f"option {stands.rank} stands for it: {_named(stands)}"))


def _is_it(option: Option, asked: Question) -> bool:
    return asked.asks_for(option.approach) and asked.matches(option.candidate)


def _named(option: Option) -> str:
    return f"{option.approach.title}, torch {option.candidate.version}, Python {option.candidate.python}"


def _about(asked: Question, best: Pair, rows: tuple[Row, ...]) -> tuple[str, ...]:
    """Which of several candidates the reasons speak of."""
    if len({(row.candidate.torch, row.candidate.build) for row in rows}) < 2 and not asked.hypothetical:
        return ()
    candidate = best.row.candidate
    way = f" by {best.way.approach.title}" if best.way.reasons and asked.approaches else ""
    return (f"the reasons are those against the nearest to it, torch {candidate.version} for Python {candidate.python}{way}",)


def _others(judged: Judged, considered: list[Pair], best: Pair) -> tuple[str, ...]:
    """What speaks against the builds that fail for other reasons than the best one."""
    told: dict[tuple[str, ...], list[Pair]] = {}
    nearest: dict[tuple[str, str], Pair] = {}
    for pair in considered:
        build = pair.row.candidate.torch, pair.row.candidate.build
        if build not in nearest or pair.mask.bit_count() < nearest[build].mask.bit_count():
            nearest[build] = pair
    own = {reason.constraint for reason in relax.reasons(best, judged)}
    for pair in nearest.values():
        reasons = relax.reasons(pair, judged)
        if {reason.constraint for reason in reasons} - own:
            told.setdefault((pair.row.candidate.build, *(reason.constraint for reason in reasons)), []).append(pair)
    remarks = []
    for pairs in list(told.values())[-OTHERS:]:
        first, last = pairs[0].row.candidate, pairs[-1].row.candidate
        span = first.torch if first.torch == last.torch else f"{first.torch} - {last.torch}"
        other = next(reason for reason in relax.reasons(pairs[-1], judged) if reason.constraint not in own)
        remarks.append(f"torch {span} {first.build} fails for another reason: {other.because}")
    return tuple(remarks)


def _never_published(judged: Judged, situation: Situation, asked: Question, ways: tuple[Way, ...]) -> Answer:
    """All parts of the question are known, and there is nothing that is all of them: what there is instead."""
    platform = situation.machine.platform
    said = " ".join((*(term.text for term in asked.terms), *asked.approaches)) or asked.text
    elsewhere = sorted({row[3] for row in ROWS if _elsewhere(row, asked)})
    if elsewhere and platform not in elsewhere and not asked.approaches:
        because = f"there is no {said} for {platform}; it was published for {', '.join(elsewhere)} only"
    else:
        because = f"there is no {said} for {platform}"
    instead, remarks = _instead(judged, situation, asked, ways)
    return Answer(asked.text, "rejected", (Reason("published", because, BUILDS),), instead, remarks=remarks)


def _elsewhere(row: tuple[object, ...], asked: Question) -> bool:
    """Whether a build of some platform answers to the terms on builds and releases."""
    build = Build(*row)  # type: ignore[arg-type]
    candidate = Candidate("wheel", build.torch, build.build, build.kind, build.platform, "", default=build.pypi_default)
    return all(term.is_so(candidate) for term in asked.terms if term.kind != "python")


def _instead(
    judged: Judged, situation: Situation, asked: Question, ways: tuple[Way, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the question would have to leave out or change so that something fits, and what then would."""
    found, remarks = [], []
    parts = (*asked.terms, *(("",) if asked.approaches else ()))
    for part in parts:
        terms = tuple(term for term in asked.terms if term is not part)
        less = replace(asked, terms=terms, approaches=asked.approaches if part else ())
        if not terms and not less.approaches:
            continue
        rows = _useful(judged, tuple(row for row in judged.rows if less.matches(row.candidate)), less)
        chosen = ways if part else judged.ways
        pairs = relax.pairs(judged, rows, chosen)
        if not pairs:
            continue
        fits = [pair for pair in pairs if not pair.mask]
        there = _there_is(part, pairs, situation)
        if fits:
            found.append(_there_is(part, fits, situation))
        else:
            remarks.append(f"without {part.text if part else ' '.join(asked.approaches)} there is {there}")
    return tuple(dict.fromkeys(found)), tuple(remarks)


def _there_is(part: object, pairs: Iterable[Pair], situation: Situation) -> str:
    """What there is in the place of one part of the question."""
    pairs = list(pairs)
    kind = part.kind if isinstance(part, questions.Term) else "approach"
    candidates = [pair.row.candidate for pair in pairs]
    if kind == "python":
        asked = str(getattr(part, "text", "")).removeprefix("Python ").lstrip("<>=! ") or situation.python or "0"
        return relax.python_range(sorted({candidate.python for candidate in candidates}), asked)
    if kind == "torch":
        known = sorted({candidate.torch for candidate in candidates}, key=key)
        return f"torch {known[0]}" if len(known) == 1 else f"torch >= {known[0]}, <= {known[-1]}"
    if kind == "build":
        labels = dict.fromkeys(candidate.build for candidate in reversed(candidates))
        return f"build {' or '.join(list(labels)[:4])}"
    if kind == "channel":
        return f"channel {' or '.join(dict.fromkeys(candidate.channel for candidate in candidates))}"
    return f"approach {' or '.join(dict.fromkeys(pair.way.approach.name for pair in pairs))}"
