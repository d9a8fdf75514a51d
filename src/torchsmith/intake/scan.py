"""A log of any size, in constant memory: its complaints, the number of its lines, and an excerpt for the formats.

Bytes come in chunks of any size and are cut into blocks of whole lines; a line that is longer than a block goes on in the
next. In each block only the lines that hold one of the searched texts are looked at: they are decoded, cleaned, and searched
for the signatures' full patterns.
"""

from __future__ import annotations

import re

from torchsmith.intake import finders, text
from torchsmith.intake.clue import OVERLAP
from torchsmith.intake.decoding import wide
from torchsmith.intake.excerpt import Excerpt
from torchsmith.intake.search import Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder

    from torchsmith.intake.clue import Line
    from torchsmith.intake.finders import Fast, Plain
    from torchsmith.model.complaint import Complaint

BLOCK = 256 * 1024
"""Bytes that are searched at a time: what stays in a processor's cache."""
HEAD = 4096
"""Bytes that tell the encoding."""
_STEP = text.LINE_LIMIT - OVERLAP
_WHOLE = (BLOCK - OVERLAP) // _STEP * _STEP

_DRESS = (b"\x1b", b"\0", b"\b")
_CONTROLS = bytes(byte for byte in (*range(32), 127) if byte not in b"\n\t")
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\)?|[@-Z\\^_=>])")
_INVISIBLE = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf")
_NO_BREAK = re.compile(rb"\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|\xe3\x80\x80")
# Both of them, each with a beginning that is found fast: the quotes of compilers are near relatives.
_STRANGE = (
    re.compile(rb"\xe2\x80[\x80-\x8f\xa8-\xaf]"),
    re.compile(rb"\xc2[\x80-\xa0]"),
    re.compile(rb"\xe2\x81[\xa0-\xa9]"),
    re.compile(rb"\xef\xbb\xbf"),
    re.compile(rb"\xe3\x80\x80"),
)


class Scan:
    """Reads a log as it comes."""

    def __init__(self, finder: type[Fast | Plain] | None = None) -> None:
        self._search = Search(finder or finders.best())
        self._excerpt = Excerpt()
        self._waiting: list[bytes] = []
        self._size = 0
        self._decoder: IncrementalDecoder | None = None
        self._begun = False
        self._before = 0  # bytes of a line that came in earlier blocks
        self.lines = 0
        """Lines that were read to their ends."""

    @property
    def fatal(self) -> int:
        """How many fatal complaints were found so far."""
        return self._search.fatal

    def told(self) -> tuple[tuple[Line, ...], tuple[Complaint, ...]]:
        """What the formats get to read, and what the lines that were read complain of, in the order of the text."""
        excerpt = self._excerpt.lines()
        return excerpt, self._search.complaints(excerpt)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the log."""
        if self._decoder:
            chunk = self._decoder.decode(chunk).encode()
        self._waiting.append(chunk)
        self._size += len(chunk)
        if self._size >= BLOCK:
            self.flush()

    def flush(self) -> None:
        """Read what has come so far, up to the last end of a line; the rest waits."""
        data = b"".join(self._waiting)
        if data and not self._begun:
            data = self._begin(data)
        end = data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, len(data) - 1) + 1
        if end:
            self._block(data[:end])
            self._before = 0
            data = data[end:]
        # A line without end: its pieces that are complete, and again what the next piece begins with.
        while len(data) > BLOCK:
            self._block(data[: _WHOLE + OVERLAP])
            self._before += _WHOLE
            data = data[_WHOLE:]
        self._waiting, self._size = [data], len(data)

    def end(self) -> None:
        """Read the rest: nothing comes after it."""
        if self._decoder:
            self._waiting.append(self._decoder.decode(b"", True).encode())
        self.flush()
        if self._size:
            self._block(self._waiting[0])
            self.lines += 1
        self._waiting, self._size = [], 0

    def _begin(self, data: bytes) -> bytes:
        """Now the encoding can be told; of two or four bytes a character is made UTF-8 on the way."""
        self._begun = True
        encoding = wide(data[:HEAD])
        if not encoding:
            return data
        import codecs

        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        return self._decoder.decode(data).encode()

    def _block(self, block: bytes) -> None:
        """Search whole lines, or the next pieces of one that is longer than a block."""
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        number = self.lines + 1
        self._excerpt.block(number, block)
        bare = block
        if any(byte in block for byte in _DRESS) or not (block.isascii() or _plain(block)):
            bare = _undressed(block)
        self._search_in(bare, block, number)
        # Twice as fast as counting them.
        self.lines += len(block) - len(block.replace(b"\n", b""))

    def _search_in(self, bare: bytes, block: bytes, number: int) -> None:
        """Look at the lines of a block that must be; ``bare`` is the block without what hides words."""
        at = done = start = 0
        same = bare is block  # but for tabs: the places are the same
        if b"\t" in bare:
            bare = bare.replace(b"\t", b" ")
        for place in self._search.places(bare):
            if place < done:
                continue
            begin, end = _line(bare, place)
            steps = bare.count(b"\n", at, begin)
            at, done = begin, end + 1
            number += steps
            if same:
                start, last = begin, end
            else:
                for _ in range(steps):
                    start = block.find(b"\n", start) + 1
                last = block.find(b"\n", start)
                last = len(block) if last < 0 else last
            roles = self._search.look(block[start:last], number, 0 if start else self._before)
            if roles is not None:
                self._excerpt.around(number, block, start, last, roles)


def _line(block: bytes, place: int) -> tuple[int, int]:
    """Where the line around a place begins and ends."""
    end = block.find(b"\n", place)
    return block.rfind(b"\n", 0, place) + 1, len(block) if end < 0 else end


def _plain(block: bytes) -> bool:
    """Whether a block beyond ASCII has nothing in it that is not seen."""
    return not any(strange.search(block) for strange in _STRANGE)


def _undressed(block: bytes) -> bytes:
    """Without escape codes and what is not seen; the lines stay as many."""
    bare = _ESCAPES.sub(b"", block).translate(None, _CONTROLS)
    return bare if bare.isascii() else _NO_BREAK.sub(b" ", _INVISIBLE.sub(b"", bare))
