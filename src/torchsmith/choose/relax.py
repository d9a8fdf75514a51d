"""What would have to change until something fits: the pairs of candidate and approach, by what they violate.

Each pair's violated constraints are a bit mask. The masks that contain no other one are the smallest changes; what a change
means stands in the reasons' ``unless``, and each change is tried: the decision is made again under it.
"""

from __future__ import annotations

from functools import lru_cache

from torchsmith.choose import reject
from torchsmith.choose.constraints import ON_APPROACHES, ON_CANDIDATES
from torchsmith.choose.python_range import order, python_range
from torchsmith.knowledge import approaches, change_costs, jetson, torch_releases
from torchsmith.knowledge import drivers as branches
from torchsmith.model import specifiers
from torchsmith.model.choice import Reason
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import Device, Driver, Gpus
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.known import Known, Unknown
from torchsmith.model.pattern import pattern
from torchsmith.model.record import packed, record, replace
from torchsmith.model.versions import compute_capability, key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from torchsmith.choose.reject import Judged, Row, Way
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Candidate, Requirement, Wishes
    from torchsmith.model.facts.project import Dependency

    Told = tuple[tuple[str, str], ...]
    Telling = Callable[["Pair"], Told]

TRIES = 12
"""Pairs of one mask that are tried before it is given up, and rounds of conditions for each."""

BACK = 2
"""What going back to an older release of a package costs beside the change itself."""

_BOUND = pattern(r"(driver|glibc) (>=|<=) (\d[\d.]*)")
_GPU = pattern(r"an? (?:NVIDIA )?GPU of compute capability [\d. to]+")
_WITHOUT = pattern(r"without ([a-z0-9][\w.-]*[<>=!~].*)")
_RELEASES = pattern(r"([a-z0-9][\w.-]*) (>=|<=) (\d[\w.]*)")
_ROOM = pattern(r"free (\d+\.\d) GB( on .*)")
_JETPACK = pattern(r"JetPack (\d+)")
_PYTHON = pattern(r"python [<>=\d.t, -]+(?: or [\d.t]+)*(?:, not free-threaded)?")


@packed
class Pair:
    """A candidate taken by an approach: the constraints that it violates (none: it is offered).

    ``hopeless`` are those of them that no change in reach would satisfy.
    """

    row: Row
    way: Way
    mask: int
    hopeless: int


@record
class Change:
    """Conditions that must all come true so that something fits, what they cost, and the pair that then does."""

    conditions: tuple[str, ...]
    cost: int
    pair: Pair


def names(judged: Judged) -> tuple[str, ...]:
    """The constraints that the bits of a pair's mask stand for: those on candidates, then those on approaches."""
    told = (reason.constraint for way in judged.ways for reason in way.reasons)
    return tuple(dict.fromkeys((*judged.names, *told)))


def pairs(
    judged: Judged, rows: Iterable[Row] | None = None, ways: Iterable[Way] | None = None, kept: Collection[str] = ()
) -> list[Pair]:
    """Every candidate with every approach that can take it; conditions that are ``kept`` out are no way to change it."""
    bits = {name: 1 << place for place, name in enumerate(names(judged))}

    def hopeless(reasons: Iterable[object], candidate: Candidate | None = None) -> int:
        told = [reason for reason in reasons if isinstance(reason, Reason)]
        return sum(bits[reason.constraint] for reason in told if condition(reason, candidate) in {"", *kept})

    # What an approach takes is a matter of the channel and the kind of build alone.
    sorts: dict[tuple[str, str], list[tuple[Row, int]]] = {}
    for row in judged.rows if rows is None else rows:
        final = hopeless(row.answers, row.candidate) if row.mask else 0
        sorts.setdefault((row.candidate.channel, row.candidate.kind), []).append((row, final))
    made: list[Pair] = []
    for way in judged.ways if ways is None else ways:
        own, relief = sum({bits[reason.constraint] for reason in way.reasons}), ~way.relief
        closed = hopeless(way.reasons)
        for alike in sorts.values():
            if way.serves(alike[0][0]):
                made += [Pair(row, way, row.mask & relief | own, final & relief | closed) for row, final in alike]
    return made


def reasons(pair: Pair, judged: Judged) -> tuple[Reason, ...]:
    """Why the pair is not offered: the candidate's reasons in the order of the constraints, then the approach's."""
    return (*pair.row.reasons(pair.way.relief, judged.names), *pair.way.reasons)


def condition(reason: Reason, candidate: Candidate | None) -> str:
    """What would have to change for this very candidate; the other builds that ``unless`` may name are no change of it."""
    if candidate is None or reason.constraint not in {"gpu-code", "accelerator"} or _BOUND.fullmatch(reason.unless):
        return reason.unless
    if not candidate.sass:
        return reason.unless if reason.constraint == "accelerator" else ""
    low, high = compute_capability(min(candidate.sass)), compute_capability(max(candidate.sass))
    named = "an NVIDIA GPU" if reason.constraint == "accelerator" else "a GPU"
    return f"{named} of compute capability {low}" + (f" to {high}" if high != low else "")


def conditions(pair: Pair, judged: Judged) -> list[tuple[str, str]]:
    """Each reason against the pair as its constraint and its condition."""
    return [(reason.constraint, condition(reason, pair.row.candidate)) for reason in reasons(pair, judged)]


def minimal(masks: Iterable[int]) -> list[int]:
    """The masks that contain no other one, smallest first."""
    kept: list[int] = []
    for mask in sorted(set(masks), key=int.bit_count):
        if not any(mask & small == small for small in kept):
            kept.append(mask)
    return kept


def nearness(situation: Situation) -> Callable[[Pair], tuple[Any, ...]]:
    """What orders pairs: the fewest violations, no source build, this Python, a wheel, the newest release, what manages it."""
    ages, here = {release: place for place, release in enumerate(torch_releases.known())}, situation.python
    manager = situation.environment.manager if isinstance(situation.environment, Environment) else ""
    order = {approach.name: place for place, approach in enumerate(approaches.every())}

    def place(pair: Pair) -> tuple[Any, ...]:
        candidate, name = pair.row.candidate, pair.way.approach.name
        return (
            pair.mask.bit_count(),
            candidate.channel == "source",
            candidate.python != here,
            candidate.evidence == "announced",
            candidate.channel != "wheel",
            -ages.get(candidate.torch, -1),
            candidate.python.endswith("t"),
            tuple(-part for part in key(candidate.cuda or "")),
            name != manager,
            order.get(name, 0),
        )

    return place


def changes(judged: Judged, situation: Situation, considered: Sequence[Pair], limit: int = 5) -> tuple[Change, ...]:
    """The smallest changes after which one of the pairs fits, cheapest first."""
    open_to: dict[int, list[Pair]] = {}
    for pair in considered:
        if not pair.hopeless:
            open_to.setdefault(pair.mask, []).append(pair)
    found, told = [], _telling(judged)
    for mask in minimal(open_to):
        ways_out = (_change(judged, situation, alike, told) for alike in _by_conditions(open_to[mask], told))
        found += [change for change in ways_out if change is not None]
    # A change that asks for all that another asks for, and more, is none: conditions may have joined while trying.
    found = [one for one in found if not any(set(other.conditions) < set(one.conditions) for other in found)]
    distinct = {
        tuple(map(_kind_of, change.conditions)): change
        for change in sorted(found, key=lambda change: (-change.cost, -_amount(change)))
    }
    return tuple(sorted(distinct.values(), key=_dearness))[:limit]


def _kind_of(condition: str) -> str:
    """What is the same for several amounts of it: of these the least stands for all."""
    room = _ROOM.fullmatch(condition)
    return room[2] if room else condition


def _amount(change: Change) -> float:
    """The room that it asks for; what asks for less is the smaller change."""
    return sum(float(room[1]) for condition in change.conditions if (room := _ROOM.fullmatch(condition)))


def _dearness(change: Change) -> tuple[int, int, int]:
    """What it costs, then how many wishes it gives up: another release of a package is better than none of it.

    Going back to an older release costs more than any package's going on to a newer one.
    """
    back = sum(" <= " in text and not _tried(text) for text in change.conditions)
    dropped = sum(text.startswith("without ") for text in change.conditions)
    return change.cost + BACK * back, dropped, len(change.conditions)


def _telling(judged: Judged) -> Telling:
    """The conditions of a pair; approaches that make the same good, and have nothing against themselves, share a row's."""
    known: dict[tuple[int, int, bool], Told] = {}

    def told(pair: Pair) -> Told:
        own = bool(pair.way.reasons)
        key = id(pair.row), id(pair.way) if own else pair.way.relief, own
        if key not in known:
            known[key] = tuple(conditions(pair, judged))
        return known[key]

    return told


def _by_conditions(group: list[Pair], told: Telling) -> list[list[Pair]]:
    """The pairs of one mask, apart by what they ask of wishes and packages: one release may need what another does not."""
    apart: dict[frozenset[str], list[Pair]] = {}
    for pair in group:
        apart.setdefault(_asked(told(pair)), []).append(pair)
    return list(apart.values())


@lru_cache(1024)
def _asked(told: Told) -> frozenset[str]:
    return frozenset(text for _, text in told if text.startswith("without ") or not _tried(text))


def _change(judged: Judged, situation: Situation, group: list[Pair], told: Telling) -> Change | None:
    """The weakest conditions under which one pair of the group, all with one mask, fits."""
    near = nearness(situation)
    group = sorted(group, key=lambda pair: (_demand(told(pair)), near(pair)))
    for pair in group[:TRIES]:
        conditions = _until_it_fits(pair, judged, situation)
        if conditions is None:
            continue
        cost = sum(change_costs.cost(name) for name in dict.fromkeys(name for name, _ in conditions))
        words = _joined([text for _, text in conditions], situation, lambda pair=pair: _pythons(pair, group, told))
        return Change(words, cost, pair)
    return None


@lru_cache(1024)
def _demand(told: Told) -> tuple[int, ...]:
    """How new a driver is asked for: the first of a group asks the least."""
    bounds = [_BOUND.fullmatch(text) for _, text in told]
    return max((key(found[3]) for found in bounds if found and found[2] == ">="), default=())


def _until_it_fits(pair: Pair, judged: Judged, situation: Situation) -> list[tuple[str, str]] | None:
    """The conditions of a pair, with those that a change itself brings up; None where it comes to nothing."""
    told = conditions(pair, judged)
    for _ in range(TRIES):
        bounded = _bounded(told)
        if bounded is None:
            return None
        changed = apply((text for _, text in bounded), pair.row.candidate, situation)
        waived = {name for name, text in bounded if not _tried(text)}
        new = [item for item in _again(pair, changed) if item[0] not in waived]
        if not new:
            return bounded
        if any(not text for _, text in new) or set(new) <= set(told):
            return None
        told = [*bounded, *(item for item in new if item not in bounded)]
    return None


def _again(pair: Pair, situation: Situation) -> list[tuple[str, str]]:
    """What speaks against the pair in a changed situation."""
    judged = reject.judge((pair.row.candidate,), (pair.way.approach,), ON_CANDIDATES, ON_APPROACHES, situation)
    return conditions(Pair(judged.rows[0], judged.ways[0], 0, 0), judged)


def _tried(text: str) -> bool:
    """Whether ``apply`` knows how to make it true."""
    return any(shape.fullmatch(text) for shape in (_BOUND, _PYTHON, _GPU, _JETPACK, _WITHOUT))


def _bounded(told: Iterable[tuple[str, str]]) -> list[tuple[str, str]] | None:
    """The conditions, of several bounds on one thing the tightest; None where they contradict each other."""
    tightest: dict[tuple[str, str], tuple[str, str, str]] = {}
    rest: list[tuple[str, str]] = []
    for name, text in told:
        found = _BOUND.fullmatch(text)
        if not found:
            if text not in [other for _, other in rest]:
                rest.append((name, text))
            continue
        thing, sign, version = found.groups()
        before = tightest.get((thing, sign))
        if before is None or (key(version) > key(before[1])) == (sign == ">="):
            tightest[thing, sign] = name, version, text
    for thing in ("driver", "glibc"):
        low, high = tightest.get((thing, ">=")), tightest.get((thing, "<="))
        if low and high and key(low[1]) > (*key(high[1]), 9999):
            return None
    return [*((name, text) for name, _, text in tightest.values()), *rest]


def apply(conditions: Iterable[str], candidate: Candidate, situation: Situation) -> Situation:
    """The situation after a change, as far as it is one of the driver, glibc, the Python, the GPU, or of a wish."""
    for text in conditions:
        found = _BOUND.fullmatch(text)
        if found and found[1] == "driver":
            newest = branches.max_cuda(found[3], windows=situation.windows_driver)
            situation = replace(situation, driver=Driver(found[3], None, newest, works=None))
        elif found:
            situation = replace(situation, machine=replace(situation.machine, libc="glibc", libc_version=found[3]))
        elif _GPU.fullmatch(text):
            sm = max(candidate.sass)
            device = Device(0, f"GPU of compute capability {compute_capability(sm)}", sm)
            situation = replace(situation, gpus=Gpus((device,), "the question"))
        elif pack := _JETPACK.fullmatch(text):
            situation = _with_jetpack(int(pack[1]), situation)
        elif dropped := _WITHOUT.fullmatch(text):
            needs = tuple(need for need in situation.wishes.needs if str(need) != dropped[1])
            keeps = tuple(keep for keep in situation.wishes.keeps if str(keep) != dropped[1])
            situation = replace(situation, wishes=replace(situation.wishes, needs=needs, keeps=keeps))
            situation = _in_project(situation, _same(dropped[1]), None)
        elif (wished := _wished(text, situation.wishes)) is not None:
            situation = replace(situation, wishes=wished)
        elif moved := _RELEASES.fullmatch(text):
            situation = _in_project(situation, _named(moved[1]), moved[2] + moved[3])
        elif _PYTHON.fullmatch(text) and isinstance(situation.interpreter, Interpreter):
            version, threads = candidate.python.removesuffix("t"), candidate.python.endswith("t")
            its = replace(situation.interpreter, version=f"{version}.0", free_threaded=threads)
            situation = replace(situation, interpreter=its)
    return situation


def _wished(text: str, wishes: Wishes) -> Wishes | None:
    """The wishes after a change that is one of them; None for any other."""
    if wishes.torch and text == f"torch without {wishes.torch}":
        return replace(wishes, torch="")
    if text.startswith("without --offline"):
        return replace(wishes, offline=False)
    if text.startswith("without --no-admin"):
        return replace(wishes, admin=True)
    found = _RELEASES.fullmatch(text)
    if not found or found[1] not in {wish.name for wish in (*wishes.needs, *wishes.keeps)}:
        return None

    def moved(asked: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
        return tuple(replace(wish, specifier=found[2] + found[3]) if wish.name == found[1] else wish for wish in asked)

    return replace(wishes, needs=moved(wishes.needs), keeps=moved(wishes.keeps))


def _in_project(situation: Situation, meant: Callable[[Dependency], bool], specifier: str | None) -> Situation:
    """The project asking for other versions of a package, or no longer for it."""
    project = situation.project
    if not any(map(meant, project.dependencies)):
        return situation
    kept = [asked for asked in project.dependencies if specifier is not None or not meant(asked)]
    changed = tuple(replace(asked, specifier=specifier) if meant(asked) else asked for asked in kept)
    return replace(situation, project=replace(project, dependencies=changed))


def _named(package: str) -> Callable[[Dependency], bool]:
    return lambda asked: asked.package == package


def _same(requirement: str) -> Callable[[Dependency], bool]:
    """Whether a project's dependency is the requirement that a condition names."""
    return lambda asked: asked.package + (specifiers.in_pep440(asked.specifier, asked.where) or "") == requirement


def _with_jetpack(pack: int, situation: Situation) -> Situation:
    """A Jetson with another JetPack, which brings a driver of its own."""
    board = situation.fact("jetson")
    name = board.model if isinstance(board, Jetson) else ""
    told = Known(Jetson(name, jetson.linux_of(pack) or ""), "the question")
    return replace(situation, driver=Unknown(f"that of JetPack {pack}"), others={**situation.others, "jetson": told})


def _pythons(chosen: Pair, group: list[Pair], told: Telling) -> list[str]:
    """The Pythons that would do for the chosen pair's other conditions."""
    wanted = _demand(told(chosen))
    return sorted({pair.row.candidate.python for pair in group if _demand(told(pair)) <= wanted}, key=order)


def _joined(texts: list[str], situation: Situation, pythons: Any) -> tuple[str, ...]:
    """The conditions in words, that on the Python as the range of all that would do."""
    here = situation.python
    return tuple(python_range(pythons(), here) if here and _PYTHON.fullmatch(text) else text for text in texts)
