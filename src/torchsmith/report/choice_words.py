"""What is said of a decision, in words: the same for the text, the Markdown and whoever else shows one."""

from __future__ import annotations

from torchsmith.knowledge import approaches
from torchsmith.report.words import decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.choice import Choice, Option, Rejected, Score

KEPT = "nothing"
"""What the criterion ``change`` shows where torch stays as it is."""
LINES = 9
"""So many rejections are told without ``--all``."""
UNANSWERED = "not checked by a resolver"
"""How the note begins that says why a resolver was asked in vain."""
NEVER = "published"
"""The constraint that says, of a wheel, that there never was such a build for this system."""
NOT_HERE = "never published for this system"
LISTED = frozenset({"Risks", "Notes"})
"""The labels of which every text is a point of its own."""
RANKS = 3
"""So many options of an answer are named by their numbers."""
INDEXED = ("an explicit", "an index", "a source")
"""How the part of an approach's title begins that speaks of the index which it names."""
BUILDS = 9
"""So many builds are named in one line."""
MARKS = ((0.9, "++"), (0.7, "+"), (0.45, "o"), (0.2, "-"), (-1.0, "--"))
MARKED = ("driver_headroom", "change", "reversible", "reliability", "flexibility", "upkeep", "contained")
"""The criteria that the matrix of approaches shows as marks."""


def score(option: Option, criterion: str) -> Score | None:
    """One cell of the matrix."""
    return next((score for score in option.scores if score.criterion == criterion), None)


def kept(choice: Choice) -> bool:
    """Whether the first option is what is there."""
    return bool(choice.options) and keeps(choice.options[0])


def keeps(option: Option) -> bool:
    """Whether nothing has to be done for it."""
    found = score(option, "change")
    return found is not None and found.shown == KEPT and not option.commands and not option.files


def verdict(choice: Choice, *, ill: bool = False) -> tuple[str, str]:
    """The decision in one line: a word and the sentence; ``ill`` where what ``check`` found would stand as it is."""
    first = next(iter(choice.options), None)
    if not choice.satisfied:
        if first and first.candidate.channel == "source":
            return "Nothing published fits", "only a build from source, which takes hours, would do what was asked."
        left = " A CPU build is all that is left: it leaves the GPU idle." if first else ""
        return "Nothing fits", f"no build of torch does here what was asked.{left}"
    if first is None:
        return "Nothing fits", "no build of torch fits here."
    if keeps(first) and ill:
        return "Nothing to install", f"torch {first.candidate.version} is installed, and no other build would be of more use."
    if keeps(first):
        return "Nothing to change", f"torch {first.candidate.version} is installed and fits."
    return "Best", f"{named(first)}."


def named(option: Option) -> str:
    """An option in a phrase; an index is spoken of only where one is named."""
    way, _, tail = option.approach.title.partition(" with ")
    if option.index is not None or not tail.startswith(INDEXED):
        way = option.approach.title
    return f"torch {option.candidate.version} for Python {option.candidate.python} by {way}"


def rows(option: Option) -> Iterator[tuple[str, tuple[str, ...]]]:
    """An option in full, beside its commands: label and texts, what bears on the decision first."""
    if option.why:
        yield "Why", (option.why,)
    if option.risks:
        yield "Risks", option.risks
    if not keeps(option):
        yield "Takes", (takes(option),)
        if option.approach.touches:
            yield "Touches", (_listed(option.approach.touches),)
    asked = [note for note in option.notes if note.startswith(UNANSWERED)]
    if option.checked:
        yield "Checked", (f"by {option.checked}",)
    elif asked:
        yield "Checked", (f"tried in vain: {asked[0].removeprefix(UNANSWERED).lstrip(': ')}",)
    elif not keeps(option):
        yield "Checked", ("no: `--resolve` lets uv, pip or Poetry try it against the index",)
    notes = tuple(note for note in option.notes if note not in asked)
    if notes:
        yield "Notes", notes


def takes(option: Option) -> str:
    """Download, room and time."""
    parts = []
    for criterion, what in (("download_bytes", "to download"), ("disk_bytes", "on disk")):
        found = score(option, criterion)
        if found and isinstance(found.shown, int):
            parts.append(f"about {decimal(found.shown)} {what}")
    spent = score(option, "minutes")
    if spent:
        parts.append(f"{spent.shown} minute{'' if spent.shown == 1 else 's'} to set up, besides the download")
    return ", ".join(parts)


def ranks(places: tuple[int, ...]) -> str:
    """Options by their numbers, the first few of many."""
    left = len(places) - RANKS
    more = f" and {left} more" if left > 0 else ""
    return f"option{'' if len(places) == 1 else 's'} {', '.join(map(str, places[:RANKS]))}{more}"


def _listed(touches: str) -> str:
    """Names without spaces are files or folders; the rest are words that belong together."""
    files = [word for word in touches.split() if "." in word]
    rest = " ".join(word for word in touches.split() if "." not in word)
    return ", ".join([*files, *([rest] if rest else [])])


def mark(worth: float) -> str:
    """A share of 1 as a mark that reads without colour."""
    return next(sign for least, sign in MARKS if worth >= least)


def best_of_each(choice: Choice) -> list[Option]:
    """The first option of every approach."""
    found: dict[str, Option] = {}
    for option in choice.options:
        found.setdefault(option.approach.name, option)
    return list(found.values())


def points(choice: Choice, option: Option) -> float:
    """An option's weighted sum."""
    return option.score * sum(weight for _, weight in choice.weights)


def weights(choice: Choice) -> str:
    """What weighs how much, the heaviest first; what weighs nothing is left out."""
    names = approaches.titles()
    heavy = sorted((pair for pair in choice.weights if pair[1]), key=lambda pair: -pair[1])
    return ", ".join(f"{names.get(name, name)} {weight:g}" for name, weight in heavy)


def rejections(choice: Choice) -> list[tuple[str, str]]:
    """Who was rejected and why, folded: the builds of one channel of which the same is said together.

    Of each build the newest release speaks; a build that some option has is left out, for nobody asks for its older ones.
    CUDA builds come first, what this system never had last.
    """
    offered = {(option.candidate.channel, option.candidate.build) for option in choice.options}
    newest = {(rejected.channel, rejected.build): rejected for rejected in choice.rejected if rejected.build and rejected.reasons}
    groups: dict[tuple[str, str], list[Rejected]] = {}
    for (channel, build), rejected in newest.items():
        if (channel, build) not in offered:
            first = rejected.reasons[0]
            never = first.constraint == NEVER and channel == "wheel"
            groups.setdefault((channel, NOT_HERE if never else first.because), []).append(rejected)
    ways: dict[str, list[str]] = {}
    for rejected in choice.rejected:
        if rejected.approach and rejected.reasons:
            ways.setdefault(rejected.reasons[0].because, []).append(rejected.approach)
    cuda, others = list[tuple[str, str]](), list[tuple[str, str]]()
    for (channel, because), group in reversed(groups.items()):
        told = channel == "wheel" and because != NOT_HERE and group[0].build.startswith("cu")
        (cuda if told else others).append((_label(channel, group), because))
    return [*cuda, *((", ".join(names), because) for because, names in ways.items()), *others]


def to_ask(choice: Choice) -> str:
    """A build that a reader may wonder about: the newest CUDA build that was published for this system and is not offered."""
    offered = {option.candidate.build for option in choice.options}
    known = [
        rejected.build
        for rejected in choice.rejected
        if rejected.build.startswith("cu") and rejected.reasons and rejected.reasons[0].constraint != NEVER
    ]
    return max((build for build in known if build not in offered), key=lambda build: build[2:].zfill(4), default="cu130")


def _label(channel: str, group: list[Rejected]) -> str:
    builds = list(dict.fromkeys(rejected.build for rejected in group))
    prefix = "" if channel == "wheel" else f"{channel}: "
    if len(builds) == 1 and group[0].first:
        first, last = group[0].first, group[-1].last
        return f"{prefix}{builds[0]} ({first if first == last else f'{first} to {last}'})"
    left = f" and {len(builds) - BUILDS} more" if len(builds) > BUILDS else ""
    return prefix + ", ".join(builds[-BUILDS:]) + left
