"""Why a candidate is not offered: what was asked about, the reasons against its best row, and what would have to change."""

from __future__ import annotations

from torchsmith.choose import conflicts, decide, hardware, published, questions, rank, relax
from torchsmith.choose.python_range import python_range
from torchsmith.knowledge import approaches, torch_releases
from torchsmith.model.choice import Answer, Reason
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

WHEEL = "wheel"
SOURCE = "source"
"""The channel of source builds."""

APART = frozenset((SOURCE, "nix"))
"""Channels that count only where an approach was named."""

RETIRED = "pytorch"
"""PyTorch's own conda channel."""

SPELT = 4
"""So many releases are named one by one where they make no range."""

OTHERS = 3
"""Further groups of builds that are told where they fail for other reasons."""


def answer(situation: Situation, question: str) -> Answer:
    """The answer to one question, in the words of ``questions``."""
    asked = questions.parse(question)
    understood = asked.terms or asked.approaches or asked.hypothetical
    if asked.unknown or not (understood or "torch" in question.lower()):
        return Answer(question, "unknown-candidate", nearest=asked.nearest, remarks=_not_understood(asked))
    present, situation = situation, asked.situation(situation)
    judged = decide.judged(situation)
    rows = tuple(row for row in judged.rows if asked.matches(row.candidate))
    ways = tuple(way for way in judged.ways if asked.asks_for(way.approach))
    if "default" in {term.kind for term in asked.terms}:
        rows = _taken_by_default(rows, situation)
    useful = _useful(judged, rows, asked)
    if rows and not useful and all(row.candidate.kind == "cpu" for row in rows):
        return _idle(judged, situation, asked, rows)
    ready = _ready(useful or rows, asked)
    every = _options(judged, situation)
    options = [option for option in every if asked.asks_for(option.approach) and asked.matches(option.candidate)]
    listed = _listed(judged, every, asked, ready)
    if listed:
        return _offered(asked, listed)
    kept = {f"without {need}" for need in asked.needs}
    considered = relax.pairs(judged, ready, _as_it_is(judged, ways, asked), kept)
    if not considered and asked.approaches and ways and all(way.reasons for way in ways):  # whatever is published
        own = ways[0].reasons
        return Answer(question, "rejected", own, tuple(reason.unless for reason in own if reason.unless)[:1])
    if not considered:
        return _never_published(judged, situation, asked, ways)
    best = _otherwise_offered(asked, present, considered) or min(considered, key=relax.nearness(situation))
    if not best.mask:
        return Answer(question, "offered", remarks=(_fits(best),))
    changes = relax.changes(judged, situation, considered)
    fits = tuple(" and ".join(change.conditions) for change in changes)
    if best.way.reasons and asked.approaches:  # whatever the build
        return Answer(question, "rejected", best.way.reasons, fits)
    if changes and not asked.needs and _alike(changes[0].pair, best):
        best = changes[0].pair  # so that the reasons are those that the first change takes away
    told = relax.reasons(best, judged)
    about = (
        *_about(asked, best, ready),
        *_instead_of(told),
        *_brought(judged, situation, ready, ways),
        *_others(judged, considered, best),
        *_by_source(asked, judged, rows),
    )
    elsewhere = tuple(option.rank for option in options if {option.candidate.channel, option.approach.name}.isdisjoint(APART))
    return Answer(question, "rejected", told, fits, remarks=about, options=elsewhere)


def _otherwise_offered(asked: Question, present: Situation, considered: list[Pair]) -> Pair | None:
    """Of a question about packages, what would be offered without them: of that is told what they exclude.

    The first of what violates the least, in the order in which it would be offered.
    """
    if not asked.needs:
        return None
    without = replace(asked, needs=()).situation(present)
    by_name = {(pair.way.approach.name, pair.row.candidate): pair for pair in considered}
    offered = ((option.approach.name, option.candidate) for option in _options(decide.judged(without), without))
    found = [by_name[place] for place in offered if place in by_name]
    return min(found, key=lambda pair: pair.mask.bit_count(), default=None)


def _alike(one: Pair, other: Pair) -> bool:
    """Whether both violate as many constraints, in one Python."""
    return one.mask.bit_count() == other.mask.bit_count() and one.row.candidate.python == other.row.candidate.python


def _not_understood(asked: Question) -> tuple[str, ...]:
    if not asked.unknown:
        return ("the question names nothing",)
    return tuple(f"{word} is no build, release, Python, approach, package, GPU or driver that is known" for word in asked.unknown)


def _useful(judged: Judged, rows: tuple[Row, ...], asked: Question) -> tuple[Row, ...]:
    """Those that use the GPU, where one could be used and the question does not name a kind of build; else what needs none."""
    if "cpu" in asked.approaches or any(term.kind == "build" for term in asked.terms):
        return rows
    every = conflicts.wanted(judged, built=True)
    if every is judged.rows:
        kind = 1 << judged.names.index("accelerator") if "accelerator" in judged.names else 0
        return tuple(row for row in rows if not row.mask & kind) or rows
    chosen = set(map(id, every))
    return tuple(row for row in rows if id(row) in chosen)


def _ready(rows: tuple[Row, ...], asked: Question) -> tuple[Row, ...]:
    """What can be installed as it is: who asks for a release means no source build, and not what another system packs."""
    if asked.approaches:
        return rows
    return tuple(row for row in rows if row.candidate.channel not in APART) or rows


def _by_source(asked: Question, judged: Judged, rows: tuple[Row, ...]) -> tuple[str, ...]:
    """That a source build of it would fit, where nothing else does."""
    if asked.approaches:
        return ()
    built = [pair for pair in relax.pairs(judged, (row for row in rows if row.candidate.channel == SOURCE)) if not pair.mask]
    if not built:
        return ()
    return (
        f"a source build of torch {built[-1].row.candidate.torch} would fit, with the toolkit of {built[-1].row.candidate.build}",
    )


def _instead_of(told: tuple[Reason, ...]) -> tuple[str, ...]:
    """Which other builds serve the GPU."""
    return tuple(
        f"what serves it: {reason.unless}"
        for reason in told
        if reason.constraint == "gpu-code" and reason.unless.startswith("torch")
    )


def _idle(judged: Judged, situation: Situation, asked: Question, rows: tuple[Row, ...]) -> Answer:
    """What was asked about is a CPU build alone, and there is a GPU: it would work and not use it."""
    candidate = rows[-1].candidate
    devices = situation.gpus.devices if isinstance(situation.gpus, Gpus) else ()
    names = ", ".join(dict.fromkeys(device.name or "GPU" for device in devices)) or "GPU"
    system = published.NAMES.get(candidate.platform, candidate.platform)
    because = f"for {system} it is the CPU build (torch {candidate.torch}), which leaves the {names} idle"
    best = next((option for option in _options(judged, situation) if option.candidate.kind != "cpu"), None)
    fits = (f"build {best.candidate.build} from {best.index}" if best.index else f"build {best.candidate.build}",) if best else ()
    return Answer(asked.text, "rejected", (Reason("accelerator", because, published.SOURCE, *fits),), fits)


def _taken_by_default(rows: tuple[Row, ...], situation: Situation) -> tuple[Row, ...]:
    """What an installer without an index takes: the newest release that has a wheel for this Python, else the newest."""
    own = [row for row in rows if row.candidate.python == situation.python] or list(rows)
    newest = max((key(row.candidate.torch) for row in own), default=())
    return tuple(row for row in own if key(row.candidate.torch) == newest)


def _options(judged: Judged, situation: Situation) -> tuple[Option, ...]:
    return rank.options(judged, situation, approaches.weights(situation.wishes.goal), every=False)


def _as_it_is(judged: Judged, ways: tuple[Way, ...], asked: Question) -> tuple[Way, ...]:
    """The approaches without what they bring: unless one is named, the question is about this Python on this system."""
    if asked.approaches:
        return ways
    kind = 1 << judged.names.index("accelerator") if "accelerator" in judged.names else 0
    return tuple(replace(way, relief=way.relief & kind) for way in ways)


def _brought(judged: Judged, situation: Situation, rows: tuple[Row, ...], ways: tuple[Way, ...]) -> tuple[str, ...]:
    """That an approach which brings what is missing here could take it."""
    fitting = [pair for pair in relax.pairs(judged, rows, ways) if not pair.mask and pair.row.candidate.channel not in APART]
    if not fitting:
        return ()
    best = min(fitting, key=relax.nearness(situation))
    candidate = best.row.candidate
    named = f"torch {candidate.version} for Python {candidate.python}"
    return (f"{best.way.approach.title} brings what is missing here, and could take {named}",)


def _fits(pair: Pair) -> str:
    candidate = pair.row.candidate
    return f"torch {candidate.version} for Python {candidate.python} fits by {pair.way.approach.title}; `plan --all` lists it"


def _offered(asked: Question, options: list[Option]) -> Answer:
    """Which options are it."""
    remarks = [f"option {option.rank}: {_named(option)}" for option in options[:OTHERS]]
    if len(options) > OTHERS:
        remarks.append(f"and {len(options) - OTHERS} more")
    return Answer(asked.text, "offered", remarks=tuple(remarks), options=tuple(option.rank for option in options))


def _listed(judged: Judged, options: tuple[Option, ...], asked: Question, ready: tuple[Row, ...]) -> list[Option]:
    """The options that are what was asked about, as far as they count as an answer.

    Those that bring what is missing here count where their approach was named; one that brings another Python counts too
    where nothing fits this one.
    """
    rows = {row.candidate: row for row in judged.rows}
    bits = {name: 1 << place for place, name in enumerate(judged.names)}
    kind, python = bits.get("accelerator", 0), bits.get("python", 0)
    wanted = {row.candidate for row in ready}
    own = [option for option in options if not rows[option.candidate].mask & ~kind]
    if asked.approaches:
        own = list(options)
    elif not any(option.candidate.kind != "cpu" for option in own):
        own = [option for option in options if not rows[option.candidate].mask & ~kind & ~python]
    found = [option for option in own if asked.asks_for(option.approach) and asked.matches(option.candidate)]
    return [option for option in found if option.candidate in wanted]


def _named(option: Option) -> str:
    return f"{option.approach.title}, torch {option.candidate.version}, Python {option.candidate.python}"


def _about(asked: Question, best: Pair, rows: tuple[Row, ...]) -> tuple[str, ...]:
    """Which of several candidates the reasons speak of."""
    if len({(row.candidate.torch, row.candidate.build) for row in rows}) < 2 and not asked.hypothetical:
        return ()
    candidate = best.row.candidate
    return (f"the reasons are those against the nearest to it, torch {candidate.version} for Python {candidate.python}",)


def _others(judged: Judged, considered: list[Pair], best: Pair) -> tuple[str, ...]:
    """What speaks against the builds that fail for other reasons than the best one, those of the newest releases first."""
    nearest: dict[tuple[str, str, str], Pair] = {}
    for pair in considered:
        candidate = pair.row.candidate
        build = candidate.channel, candidate.build, candidate.torch
        if build not in nearest or pair.mask.bit_count() < nearest[build].mask.bit_count():
            nearest[build] = pair
    told: dict[tuple[str, str, int], list[Pair]] = {}
    for (channel, label, _), pair in nearest.items():
        if pair.mask & ~best.mask:
            told.setdefault((channel, label, pair.mask), []).append(pair)
    groups = sorted(told.values(), key=lambda pairs: key(pairs[-1].row.candidate.torch), reverse=True)
    own = {reason.constraint for reason in relax.reasons(best, judged)}
    remarks = []
    for pairs in groups[:OTHERS]:
        first, last = pairs[0].row.candidate, pairs[-1].row.candidate
        span = first.torch if first.torch == last.torch else f"{first.torch} - {last.torch}"
        other = next(reason for reason in relax.reasons(pairs[-1], judged) if reason.constraint not in own)
        channel = "" if last.channel == "wheel" else f" from {last.channel}"
        remarks.append(f"torch {span} {last.build}{channel} fails for another reason: {other.because}")
    return tuple(remarks)


def _never_published(judged: Judged, situation: Situation, asked: Question, ways: tuple[Way, ...]) -> Answer:
    """All parts of the question are known, and there is nothing that is all of them: what there is instead."""
    platform = situation.machine.platform
    said = " ".join((*(term.text for term in asked.terms), *asked.approaches)) or asked.text
    reason = Reason("published", f"there is no {said} for {published.NAMES.get(platform, platform)}", published.SOURCE)
    named = {term.kind: term.text for term in asked.terms}
    retired = [row for row in judged.rows if row.candidate.channel == RETIRED and asked.matches(row.candidate)]
    if retired and any("conda-forge" in way.approach.channels for way in ways if asked.approaches):
        ended = next((told for told in retired[-1].reasons(0, judged.names) if told.constraint == "published"), reason)
        reason = replace(ended, because=f"{said} is there no more: {ended.because}")
    wheel = named.pop("channel", WHEEL) == WHEEL
    if wheel and "build" in named and not set(named) - {"build", "torch"} and not asked.approaches:
        release = named.get("torch", "").partition("==")[2]
        reason = published.absent("" if release.endswith("*") else release, named["build"], platform) or reason
    instead, remarks = _instead(judged, situation, asked, ways)
    return Answer(asked.text, "rejected", (reason,), instead, remarks=remarks)


def _instead(
    judged: Judged, situation: Situation, asked: Question, ways: tuple[Way, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the question would have to leave out or change so that something fits, and what then would."""
    found, remarks = [], []
    parts = (*asked.terms, *(("",) if asked.approaches else ()))
    for part in parts:
        if isinstance(part, questions.Term) and part.kind == "channel":
            continue
        terms = tuple(term for term in asked.terms if term is not part)
        less = replace(asked, terms=terms, approaches=asked.approaches if part else ())
        if not terms and not less.approaches:
            continue
        rows = _ready(_useful(judged, tuple(row for row in judged.rows if less.matches(row.candidate)), less), less)
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
        return python_range(sorted({candidate.python for candidate in candidates}), asked)
    if kind == "torch":
        known = sorted({candidate.torch for candidate in candidates}, key=key)
        between = [release for release in torch_releases.known() if key(known[0]) <= key(release) <= key(known[-1])]
        if len(known) == 1 or set(between) - set(known):  # a range would hold what there is not
            return f"torch {hardware.joined(known[-SPELT:], 'or')}"
        return f"torch >= {known[0]}, <= {known[-1]}"
    if kind == "build":
        labels = dict.fromkeys(candidate.build for candidate in reversed(candidates))
        return f"build {' or '.join(list(labels)[:4])}"
    if kind == "channel":
        return f"channel {' or '.join(dict.fromkeys(candidate.channel for candidate in candidates))}"
    return f"approach {' or '.join(dict.fromkeys(pair.way.approach.name for pair in pairs))}"
