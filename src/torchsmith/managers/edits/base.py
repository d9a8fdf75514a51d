"""What all edits share: the error, digests, lines and newlines, and what is shown of a change."""

from __future__ import annotations

from torchsmith.model.pattern import pattern
from torchsmith.model.transaction import ENCODING

BOM = "\ufeff"
LINE = pattern(r"[^\n\r]*(?:\r\n|\n|\r|\Z)")
_NEWLINE = pattern(r"\r\n|\n|\r")
_FOREIGN = pattern("[\ud800-\udfff]")
_NAME = pattern(r"[-_.]+")


class EditError(Exception):
    """The file cannot be edited as it is; it stays untouched. ``line`` and ``column`` begin at 1; 0 where there is no place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        place = f"line {line}, column {column}: " if line and column else f"line {line}: " if line else ""
        super().__init__(place + message)
        self.message, self.line, self.column = message, line, column


def digest(text: str) -> str:
    """The SHA-256 of the bytes of which ``text`` was read."""
    from hashlib import sha256

    return sha256(text.encode(*ENCODING)).hexdigest()


def lines(text: str) -> list[str]:
    """The lines with their ends; only CR LF, LF and CR end one (``str.splitlines`` takes form feeds and U+2028 too)."""
    found: list[str] = LINE.findall(text)
    return found[:-1] if found and not found[-1] else found


def newline(text: str, at: int | None = None) -> str:
    """How lines end: as the one before the offset ``at`` does, else as most do; LF where none does."""
    if at is not None:
        before = text[max(0, at - 2) : at]
        if before.endswith(("\n", "\r")):
            return "\r\n" if before == "\r\n" else before[-1]
    crlf = text.count("\r\n")
    counts = {"\r\n": crlf, "\n": text.count("\n") - crlf, "\r": text.count("\r") - crlf}
    most = max(counts, key=lambda end: counts[end])
    return most if counts[most] else "\n"


def bare(line: str) -> str:
    """A line without its end."""
    return line.rstrip("\r\n")


def end_of(line: str) -> str:
    """Its end; empty for a last line without one."""
    return line[len(bare(line)) :]


def indentation(line: str) -> str:
    """The spaces and tabs that it begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def ended(parts: list[str], end: str) -> None:
    """Give the last line an end, so that another can follow it."""
    if parts and not end_of(parts[-1]):
        parts[-1] += end


def position(text: str, at: int) -> tuple[int, int]:
    """Line and column of an offset, from 1."""
    ends = [match.end() for match in _NEWLINE.finditer(text, 0, at)]
    return len(ends) + 1, at - (ends[-1] if ends else 0) + 1


def refuse_bytes(text: str, kind: str) -> None:
    """For formats that are UTF-8 by definition.

    Raises:
        EditError: a byte of the file is none.

    """
    found = _FOREIGN.search(text)
    if found:
        raise EditError(f"{kind} has to be UTF-8, and a byte here is none", *position(text, found.start()))


def normalised(name: str) -> str:
    """The name of a package as PEP 503 compares it."""
    return _NAME.sub("-", name).lower()


def changed_lines(before: str, after: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers (from 1) of the lines of ``before`` that are gone, and of those of ``after`` that are new."""
    gone: list[int] = []
    new: list[int] = []
    for tag, one, two, three, four in _operations(lines(before), lines(after)):
        if tag != "equal":
            gone.extend(range(one + 1, two + 1))
            new.extend(range(three + 1, four + 1))
    return tuple(gone), tuple(new)


def difference(before: str | None, after: str | None, name: str = "") -> str:
    """A unified diff to be shown, without the ends of lines; empty where nothing changes.

    A change of ends alone is shown by a sentence, since it cannot be seen.
    """
    from difflib import unified_diff

    if before == after:
        return ""
    old, new = ([bare(line) for line in lines(text or "")] for text in (before, after))
    if old == new:
        return f"{name}: the ends of lines change, or nothing that can be seen"
    start, stop = _shared(old, new)
    # difflib compares each line with each: what is the same at both ends is kept from it, but for the context. That is more
    # than three lines, since of equal lines difflib may take another one for the new one.
    low, high = max(0, start - 50), max(0, stop - 50)
    shown = unified_diff(old[low : len(old) - high], new[low : len(new) - high], "a/" + name, "b/" + name, lineterm="")
    return "\n".join(_moved(line, low) if line.startswith("@@ ") else line for line in shown)


def _moved(header: str, by: int) -> str:
    """The header of a hunk, as counted from the first line of the file."""

    def shifted(word: str) -> str:
        number, comma, count = word[1:].partition(",")
        return f"{word[0]}{int(number) + by}{comma}{count}"

    _, old, new, _ = header.split()
    return f"@@ {shifted(old)} {shifted(new)} @@"


def _shared(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning and, of the rest, at the end."""
    most = min(len(old), len(new))
    start = next((at for at in range(most) if old[at] != new[at]), most)
    stop = next((at for at in range(most - start) if old[-1 - at] != new[-1 - at]), most - start)
    return start, stop


def _operations(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    from difflib import SequenceMatcher

    start, stop = _shared(old, new)
    middle = SequenceMatcher(None, old[start : len(old) - stop], new[start : len(new) - stop])
    return [(tag, a + start, b + start, c + start, d + start) for tag, a, b, c, d in middle.get_opcodes()]
