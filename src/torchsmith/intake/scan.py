"""A log of any size, in constant memory: its complaints, the number of its lines, and an excerpt for the formats.

Bytes come in chunks of any size and are cut into blocks of whole lines; a line that is longer than a block goes on in the
next. In each block only the lines that hold one of the needles are looked at: they are decoded, cleaned, and searched for the
signatures' full patterns. What is found does not depend on how the bytes were cut, or on which finder is there.
"""

from __future__ import annotations

import re

from torchsmith.intake import needles, text
from torchsmith.intake.clue import OVERLAP
from torchsmith.intake.decoding import wide
from torchsmith.intake.excerpt import Excerpt
from torchsmith.intake.search import Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder

    from torchsmith.intake.clue import Line
    from torchsmith.intake.needles import Fast, Plain
    from torchsmith.model.complaint import Complaint

BLOCK = 256 * 1024
"""Bytes that are searched at a time: what stays in a processor's cache."""
HEAD = 4096
"""Bytes that tell the encoding."""
_STEP = text.LINE_LIMIT - OVERLAP

_ESCAPE = b"\x1b"
_CONTROLS = bytes(byte for byte in (*range(32), 127) if byte not in b"\n\t")
# One pass makes lower case of capitals, spaces of tabs, and of every control character the one that is asked for.
_LOW = bytes.maketrans(
    bytes(range(65, 91)) + b"\t" + _CONTROLS,
    bytes(range(97, 123)) + b" " + _ESCAPE * len(_CONTROLS),
)
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\)?|[@-Z\\^_=>])")
_INVISIBLE = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf")
_NO_BREAK = re.compile(rb"\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|\xe3\x80\x80")
# Both of them, each with a beginning that is found fast: the quotes of compilers are near relatives.
_STRANGE = tuple(
    map(re.compile, (rb"\xe2\x80[\x80-\x8f\xa8-\xaf]", rb"\xc2[\x80-\xa0]", rb"\xe2\x81[\xa0-\xa9]", rb"\xef\xbb\xbf", rb"\xe3\x80\x80"))
)


class Scan:
    """Reads a log as it comes."""

    def __init__(self, finder: type[Fast | Plain] | None = None) -> None:
        self._search = Search(finder or needles.finder())
        self._excerpt = Excerpt()
        self._waiting: list[bytes] = []
        self._size = 0
        self._decoder: IncrementalDecoder | None = None
        self._begun = False
        self._before = 0  # characters of a line that came in earlier blocks
        self.lines = 0
        """Lines that were read to their ends."""

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """What the lines that were read complain of, in the order of the text."""
        return self._search.complaints

    def excerpt(self) -> tuple[Line, ...]:
        """What the formats get to read."""
        return self._excerpt.lines()

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
            whole = (BLOCK - OVERLAP) // _STEP * _STEP
            self._block(data[: whole + OVERLAP])
            self._before += whole
            data = data[whole:]
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
        low = block.translate(_LOW)
        if _ESCAPE in low or not (block.isascii() or _plain(block)):
            self._dressed(block, number)
        else:
            self._hits(block, low, number)
        # Twice as fast as counting them.
        self.lines += len(block) - len(block.replace(b"\n", b""))

    def _hits(self, block: bytes, low: bytes, number: int) -> None:
        """Look at the lines of a block that hold a needle."""
        at = done = 0
        for place in self._search.starts(low):
            if place < done:
                continue
            start, end = _line(low, place)
            number += low.count(b"\n", at, start)
            at, done = start, end + 1
            self._look(block, start, end, number)
        self._search.reconsider(low)

    def _dressed(self, block: bytes, number: int) -> None:
        """The same for a block with escape codes or characters that are not seen: the needles are looked for without them."""
        bare = _ESCAPES.sub(b"", block).translate(None, _CONTROLS)
        if not bare.isascii():
            bare = _NO_BREAK.sub(b" ", _INVISIBLE.sub(b"", bare))
        low = bare.translate(_LOW)
        at = done = index = start = 0
        for place in self._search.starts(low):
            if place < done:
                continue
            begin, end = _line(low, place)
            steps = low.count(b"\n", at, begin)
            at, done = begin, end + 1
            index += steps
            for _ in range(steps):
                start = block.find(b"\n", start) + 1
            last = block.find(b"\n", start)
            self._look(block, start, len(block) if last < 0 else last, number + index)
        self._search.reconsider(low)

    def _look(self, block: bytes, start: int, end: int, number: int) -> None:
        roles = self._search.look(block[start:end], number, self._before if start == 0 else 0)
        if roles is not None:
            self._excerpt.around(number, block, start, end, roles)


def _line(block: bytes, place: int) -> tuple[int, int]:
    """Where the line around a place begins and ends."""
    end = block.find(b"\n", place)
    return block.rfind(b"\n", 0, place) + 1, len(block) if end < 0 else end


def _plain(block: bytes) -> bool:
    """Whether a block beyond ASCII has nothing in it that is not seen."""
    return not any(strange.search(block) for strange in _STRANGE)
