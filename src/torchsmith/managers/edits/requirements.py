"""Edits of requirements files (pip, uv, pip-tools): one requirement, one option, one included file; all else stays."""

from __future__ import annotations

from torchsmith.managers.edits.base import (
    BOM,
    EditError,
    bare,
    end_of,
    indentation,
    lines,
    newline,
    normalised,
)
from torchsmith.managers.edits.requirement import name_of, parts
from torchsmith.model.pattern import pattern
from torchsmith.model.record import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMENT = pattern(r"(?:^|(?<=[ \t]))#.*")
_OPTIONS = pattern(r"(?<=[ \t])--?[A-Za-z]")
_ODD = pattern("[\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SHORT = {"--index-url": "-i", "--requirement": "-r", "--constraint": "-c", "--find-links": "-f", "--editable": "-e"}


@packed
class Entry:
    """One entry: its lines (``first`` to before ``last``, from 0), its words without comment, and its requirement's parts.

    ``name`` is normalised, empty where it is an option or blank; ``options`` are those behind the requirement (hashes).
    """

    first: int
    last: int
    words: str
    name: str = ""
    requirement: str = ""
    options: tuple[str, ...] = ()
    comment: str = ""


def entries(text: str) -> tuple[Entry, ...]:
    """What stands in the file, in order; lines that are joined by a backslash are one entry.

    Raises:
        EditError: it is no text in UTF-8 or the like.

    """
    if "\0" in text:
        raise EditError("this is no requirements file in UTF-8: it has NUL bytes")
    found: list[Entry] = []
    physical = lines(text.removeprefix(BOM))
    at = 0
    while at < len(physical):
        first, joined = at, ""
        while True:
            line = bare(physical[at])
            at += 1
            # As pip joins them: an entry ends at a comment line, whatever stands before it.
            if line.lstrip().startswith("#"):
                joined += " " + line
                break
            joined += line.strip("\\") if line.endswith("\\") else line
            if not line.endswith("\\") or at >= len(physical):
                break
        found.append(_entry(first, at, joined))
    return tuple(found)


def named(text: str, name: str) -> tuple[str, ...]:
    """The requirements of that name, without options and comments."""
    wanted = normalised(name)
    return tuple(entry.requirement for entry in entries(text) if entry.name == wanted)


def put(text: str, requirement: str, hashes: Sequence[str] = ()) -> str:
    """Put ``requirement`` in the place of the one with its name, else at the end.

    The written form of the name, extras and marker that the new one does not give, and the comment stay; hashes go with the
    version that they belong to. ``hashes`` are like ``sha256:...``.

    Raises:
        EditError: the name is there more than once, or by an address that is its own.

    """
    name, extras, specifier, marker = parts(requirement)
    there = [entry for entry in entries(text) if entry.name == normalised(name)]
    if len(there) > 1:
        raise EditError(f"{name} stands here {len(there)} times", there[1].first + 1)
    if not there:
        return _added(text, _laid_out(requirement, hashes, newline(text)))
    old = there[0]
    _refuse_odd(text, old)
    written, own, _, condition = parts(old.requirement)
    gap = " " if specifier.startswith("@") else ""
    head = old.requirement.partition(";")[0]
    space = (head[len(head.rstrip()) :] if condition else " ") if marker or condition else ""
    new = f"{written}{extras or own}{gap}{specifier}{space}{marker or condition}"
    if new == old.requirement and tuple(hashes) == _hashes(old):
        return text
    kept = tuple(option for option in old.options if not option.startswith("--hash"))
    return _replaced(text, old, new, kept, hashes)


def remove(text: str, name: str) -> str:
    """Take away what has that name, with its hashes and pip-compile's note of who asked for it.

    Raises:
        EditError: see ``entries``.

    """
    physical = lines(text.removeprefix(BOM))
    gone: set[int] = set()
    for entry in entries(text):
        if entry.name == normalised(name):
            _refuse_odd(text, entry)
            gone.update(range(entry.first, _annotated(physical, entry.last)))
    if not gone:
        return text
    left = [line for at, line in enumerate(physical) if at not in gone]
    return _whole(text, left)


def option(text: str, name: str) -> tuple[str, ...]:
    """The values of a global option: ``option(text, "--index-url")``."""
    return tuple(value for entry in entries(text) if (value := _option_of(entry, name)) is not None)


def put_option(text: str, name: str, value: str) -> str:
    """Set a global option that stands once: in place, else before the first entry.

    Raises:
        EditError: it is there more than once.

    """
    _refuse_lines(value)
    there = [entry for entry in entries(text) if _option_of(entry, name) is not None]
    if len(there) > 1:
        raise EditError(f"{name} stands here {len(there)} times", there[1].first + 1)
    if not there:
        return put_line(text, f"{name} {value}")
    if _option_of(there[0], name) == value:
        return text
    _refuse_odd(text, there[0])
    return _replaced(text, there[0], f"{name} {value}", (), ())


def remove_option(text: str, name: str) -> str:
    """Take away every line of a global option."""
    physical = lines(text.removeprefix(BOM))
    gone: set[int] = set()
    for entry in entries(text):
        if _option_of(entry, name) is not None:
            _refuse_odd(text, entry)
            gone.update(range(entry.first, entry.last))
    return _whole(text, [line for at, line in enumerate(physical) if at not in gone]) if gone else text


def put_line(text: str, line: str) -> str:
    """Put a line such as ``-c torch.txt`` before the first entry, behind the comments at the top; nothing if it is there."""
    _refuse_lines(line)
    found = entries(text)
    if any(entry.words == line for entry in found):
        return text
    physical = lines(text.removeprefix(BOM))
    first = next((entry.first for entry in found if entry.words), len(physical))
    end = newline(text)
    if first == len(physical):
        return _added(text, [line])
    return _whole(text, [*physical[:first], line + end, *physical[first:]])


def _entry(first: int, last: int, joined: str) -> Entry:
    comment = _COMMENT.search(joined) if "#" in joined else None
    before = joined[: comment.start()] if comment else joined
    words = before.strip(" \t")
    said = joined[len(before.rstrip(" \t")) :] if comment and words else ""
    if not words or words.startswith("-"):
        return Entry(first, last, words, "", "", (), said)
    options = _OPTIONS.search(words)
    requirement = (words[: options.start()] if options else words).rstrip()
    behind = tuple(words[options.start() :].split()) if options else ()
    return Entry(first, last, words, name_of(requirement), requirement, behind, said)


def _hashes(entry: Entry) -> tuple[str, ...]:
    return tuple(word.partition("=")[2] for word in entry.options if word.startswith("--hash="))


def _option_of(entry: Entry, name: str) -> str | None:
    if not entry.words.startswith("-"):
        return None
    word, _, value = (
        entry.words.replace("=", " ", 1).partition(" ") if entry.words.startswith("--") else entry.words.partition(" ")
    )
    short = _SHORT.get(name, "")
    if word == name or (short and word == short):
        return value.strip()
    if short and word.startswith(short) and not word.startswith("--"):
        return word[len(short) :]
    return None


def _laid_out(requirement: str, hashes: Sequence[str], end: str) -> list[str]:
    """A requirement with its hashes, one in a line, as pip-compile and uv write them."""
    words = [requirement, *(f"    --hash={each}" for each in hashes)]
    del end
    return [word + " \\" for word in words[:-1]] + words[-1:]


def _replaced(text: str, old: Entry, new: str, kept: Sequence[str], hashes: Sequence[str]) -> str:
    physical = lines(text.removeprefix(BOM))
    first, last = physical[old.first], physical[old.last - 1]
    made = _laid_out(" ".join((new, *kept)), hashes, end_of(first))
    made[0] = indentation(first) + made[0]
    made[-1] += old.comment
    between = end_of(first) or newline(text)
    block = [line + between for line in made[:-1]] + [made[-1] + end_of(last)]
    return _whole(text, [*physical[: old.first], *block, *physical[old.last :]])


def _annotated(physical: list[str], at: int) -> int:
    """Where pip-compile's note behind an entry ends."""
    if at < len(physical) and physical[at].strip().startswith("# via") and indentation(physical[at]):
        at += 1
        while at < len(physical) and physical[at].strip().startswith("#   ") and indentation(physical[at]):
            at += 1
    return at


def _added(text: str, new: list[str]) -> str:
    physical = lines(text.removeprefix(BOM))
    end = newline(text)
    if physical and bare(physical[-1]).endswith("\\") and not physical[-1].lstrip().startswith("#"):
        raise EditError("the last line goes on in the next one: what is put behind it would be a part of it", len(physical))
    if physical and not end_of(physical[-1]):
        return text + "".join(end + line for line in new)
    return text + "".join(line + end for line in new)


def _whole(text: str, physical: list[str]) -> str:
    return (BOM if text.startswith(BOM) else "") + "".join(physical)


def _refuse_lines(value: str) -> None:
    if _ODD.search(value) or "\n" in value or "\r" in value:
        raise EditError("what is put into a requirements file is one line")


def _refuse_odd(text: str, entry: Entry) -> None:
    """Pip ends a line at letters where uv does not: there the two would read two different files."""
    for at, line in enumerate(lines(text.removeprefix(BOM))[entry.first : entry.last]):
        odd = _ODD.search(line)
        if odd:
            raise EditError("a letter stands here at which some tools end the line", entry.first + at + 1, odd.start() + 1)
