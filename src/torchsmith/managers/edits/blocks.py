r"""One marked block in a file that is the user's own: the rc files of shells, a PowerShell profile, a script of cmd.

``# >>> torchsmith >>> 0123456789ab`` begins it; the digest is that of its lines, so that an edit by hand is seen. A dash behind
it says that the file had no newline at its end, so that taking the block away gives back the bytes that were there before.
cmd has ``::`` for ``#``: behind ``rem`` it would take ``>`` for a redirection.
"""

from __future__ import annotations

from torchsmith.managers.edits.base import BOM, EditError, bare, digest, lines, newline
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_BEGIN = pattern(r"\ufeff?[ \t]*(#|::)[ \t]*>>> torchsmith >>>(?:[ \t]+([0-9a-f]{12})(-?))?[ \t]*")
_END = pattern(r"[ \t]*(#|::)[ \t]*<<< torchsmith <<<[ \t]*")
_ANY = pattern(r">>> torchsmith >>>|<<< torchsmith <<<")


@record
class Block:
    """A block that is there: its lines without the markers, where it begins and ends (offsets), whether a hand edited it."""

    body: tuple[str, ...]
    start: int
    end: int
    edited: bool
    glued: bool = False


def found(text: str) -> Block | None:
    """The block of the file, if there is one.

    Raises:
        EditError: there are two, or one that is not whole.

    """
    if not _ANY.search(text):
        return None
    at, begun, ended = 0, list[tuple[int, int, int]](), list[tuple[int, int, int]]()
    physical = lines(text)
    for number, line in enumerate(physical):
        place = (number, at, at + len(line))
        if _BEGIN.fullmatch(bare(line)):
            begun.append(place)
        elif _END.fullmatch(bare(line)):
            ended.append(place)
        at += len(line)
    if not begun and not ended:
        return None
    if len(begun) > 1 or len(ended) > 1:
        raise EditError("the block of torchsmith stands here more than once", (begun + ended)[1][0] + 1)
    if not begun or not ended or ended[0][0] < begun[0][0]:
        raise EditError("the block of torchsmith is not whole: one of its marks is gone", (begun + ended)[0][0] + 1)
    (first, start, _), (last, _, end) = begun[0], ended[0]
    start += len(BOM) if physical[first].startswith(BOM) else 0
    mark = _BEGIN.fullmatch(bare(physical[first]))
    body = tuple(bare(line) for line in physical[first + 1 : last])
    glued = bool(mark and mark[3])
    return Block(body, start, end, mark is None or mark[2] != _digest(body), glued)


def put(text: str, body: str | Sequence[str], leader: str = "#", end: str = "", *, anyway: bool = False) -> str:
    """Write the block at the end of the file, or in the place of the one that is there. ``body`` are its lines, or a text.

    ``leader`` begins a comment of the file's language; ``end`` ends the lines of a file that has none yet. ``anyway``
    replaces what was edited by hand.

    Raises:
        EditError: there are two blocks, one that is not whole, or one that was edited by hand.

    """
    body = [bare(line) for line in lines(body)] if isinstance(body, str) else body
    _refuse(text, body)
    there = found(text)
    if there is None:
        at, after, glued = len(text), "", bool(text.removeprefix(BOM)) and text[-1] not in "\r\n"
        _refuse_continued(text, leader)
    else:
        if there.edited and not anyway:
            raise EditError("the block of torchsmith was edited by hand", text.count("\n", 0, there.start) + 1)
        if not there.edited and there.body == tuple(body):
            return text
        at, after, glued = there.start, text[there.end :], there.glued
    line_end = newline(text) if lines(text)[1:] or text.endswith(("\n", "\r")) else end or "\n"
    mark = f"{leader} >>> torchsmith >>> {_digest(tuple(body))}{'-' if glued else ''}"
    block = [mark, *body, f"{leader} <<< torchsmith <<<"]
    before = text[:at] + (line_end if glued and there is None else "")
    whole = before + "".join(line + line_end for line in block)
    if there is not None and text[there.end - 1] not in "\r\n":
        whole = whole.removesuffix(line_end)
    return whole + after


def remove(text: str, *, anyway: bool = False) -> str:
    """The text as it was before the block came: also without a newline at its end, if it had none.

    Raises:
        EditError: see ``put``.

    """
    there = found(text)
    if there is None:
        return text
    if there.edited and not anyway:
        raise EditError("the block of torchsmith was edited by hand", text.count("\n", 0, there.start) + 1)
    before, after = text[: there.start], text[there.end :]
    if there.glued and not after:
        before = before.removesuffix("\n").removesuffix("\r") if before.endswith("\n") else before.removesuffix("\r")
    return before + after


def _digest(body: tuple[str, ...]) -> str:
    return digest("\n".join(body))[:12]


def _refuse(text: str, body: Sequence[str]) -> None:
    if "\0" in text:
        raise EditError("this is no text in UTF-8: it has NUL bytes")
    if any("\n" in line or "\r" in line or _ANY.search(line) for line in body):
        raise EditError("a line of a block is one line, and no mark")


def _refuse_continued(text: str, leader: str) -> None:
    physical = lines(text)
    last = bare(physical[-1]) if physical else ""
    if leader == "::":
        continued = last.endswith("^")
    else:
        # A comment does not go on, two backslashes are one letter, and backticks in pairs are a command of a shell.
        odd = (len(last) - len(last.rstrip("\\"))) % 2 == 1 or (last.endswith("`") and last.count("`") % 2 == 1)
        continued = odd and not last.lstrip().startswith("#")
    if continued:
        raise EditError("the last line goes on in the next one: a block behind it would be a part of it", len(physical))
