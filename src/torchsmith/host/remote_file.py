"""A file on a server, read by parts: few large requests, no byte twice, and a file that changes meanwhile is noticed."""

from __future__ import annotations

import re

from torchsmith.binaries.reader import Placed
from torchsmith.host.http import Answer, Client, HttpError
from torchsmith.host.redact import without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO

FIRST = 65557 + 20
"""Bytes at the end that come with the first request: a zip file's end record lies in them."""

WHOLE = 1024 * 1024
"""A server without ranges may send a file of up to so many bytes; of a longer one nothing is taken."""

KEPT = 32 * 1024 * 1024
"""Bytes held in memory."""

_LEAST = 16 * 1024
_GAP = 64 * 1024
"""Bytes between two wanted parts that are cheaper fetched than another request."""

_WIDE_GAP = 512 * 1024
_REQUESTS = 3
"""Where more parts than this are wanted at once, the nearest are joined over a wide gap."""

_TRIES = 3
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.IGNORECASE)


class NoRangesError(HttpError):
    """The server sends whole files only."""


class _ChangedError(HttpError):
    """Asking again would not help."""


class RemoteFile(Placed):
    """The file at ``url``, for the readers of ``binaries``: ``size``, ``read_at``, ``seek``, ``read``.

    Raises:
        NoRangesError: the server gives no parts of files, and this one is large.
        HttpError: whatever else a server does.

    """

    size: int

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url
        self._pieces: list[tuple[int, bytes]] = []
        self._validator = ""
        self._marks: tuple[str, str] = ("", "")
        super().__init__()
        self._spool: tuple[int, int, IO[bytes]] | None = None
        self.size = self._first()

    def close(self) -> None:
        """Give the temporary file back."""
        if self._spool:
            self._spool[2].close()
        self._spool = None

    def read_at(self, length: int, offset: int) -> bytes:
        """Return ``length`` bytes at ``offset``, fewer at the end."""
        length = min(length, max(self.size - offset, 0))
        if length <= 0:
            return b""
        if self._spool and self._spool[0] <= offset < self._spool[1]:
            start, end, file = self._spool
            file.seek(offset - start)
            part = file.read(min(length, end - offset))
            return part + self.read_at(length - len(part), offset + len(part)) if part else b""
        found = self._held(offset, length)
        if found is None:
            start, end = self._without_held(offset, max(offset + length, min(offset + _LEAST, self.size)))
            self._fetch(start, end)
            found = self._held(offset, length)
        if found is None:
            raise HttpError(f"{self._shown}: a part of it did not come")
        return found

    def prefetch(self, parts: Sequence[tuple[int, int]]) -> None:
        """Fetch these (offset, length), neighbours together."""
        joined: list[list[int]] = []
        for offset, length in sorted(parts):
            end = min(offset + length, self.size)
            if offset >= end or self._held(offset, end - offset) is not None:
                continue
            if joined and offset - joined[-1][1] <= _GAP:
                joined[-1][1] = max(end, joined[-1][1])
            else:
                joined.append([offset, end])
        while len(joined) > _REQUESTS:
            gap, index = min((joined[i + 1][0] - joined[i][1], i) for i in range(len(joined) - 1))
            if gap > _WIDE_GAP:
                break
            joined[index][1] = joined.pop(index + 1)[1]
        for start, end in joined:
            if end - start <= KEPT:
                self._fetch(*self._without_held(start, end))

    def spool(self, offset: int, length: int) -> None:
        """Fetch one part, however large, into an anonymous temporary file, from which it is read until the next one."""
        import tempfile

        self.close()
        end = min(offset + length, self.size)
        if self._held(offset, end - offset) is not None:
            return
        end = max(self._without_held(offset, end)[1], offset)  # the end of the file came with the first request
        file = tempfile.TemporaryFile(prefix="torchsmith-")  # noqa: SIM115 - kept until ``close``
        self._spool = (offset, end, file)
        for left in reversed(range(_TRIES)):
            try:
                self._range(offset + file.tell(), end, file.write)
                break
            except _ChangedError:
                raise
            except HttpError:
                if not left:
                    raise  # else it goes on where the connection broke

    def _first(self) -> int:
        """Fetch the end of the file, and learn its size."""
        try:
            answer = self._ask(f"bytes=-{FIRST}")
        except HttpError as error:
            if error.status not in {400, 405, 416, 501}:
                raise
            answer = self._ask(f"bytes=0-{_LEAST - 1}")  # ranges that count from the end are not known to every server
        if answer.status == 200:
            if not answer.body:
                raise NoRangesError(f"{self._shown}: the server sends whole files only, no parts of them")
            self._pieces = [(0, answer.body)]
            return len(answer.body)
        start, end, size = self._bounds(answer)
        if len(answer.body) != end - start or (start and (end != size or start != size - FIRST)):
            raise HttpError(f"{self._shown}: the server answers with another part than was asked for")
        self._keep(start, answer.body)
        return size

    def _ask(self, wanted: str) -> Answer:
        def accept(answer: Answer) -> bool:
            length = answer.header("content-length")
            return answer.status == 206 or (length.isdecimal() and len(length) < 10 and int(length) <= WHOLE)

        answer = self._client.get(self._url, {"Range": wanted, "Accept-Encoding": "identity"}, WHOLE, accept=accept)
        self._url = answer.url  # a redirect is followed once
        self._marks = _marks(answer)
        etag, modified = self._marks
        self._validator = etag if etag and not etag.startswith("W/") else modified
        return answer

    def _fetch(self, start: int, end: int) -> None:
        if start < end:
            pieces: list[bytes] = []
            self._range(start, end, pieces.append)
            self._keep(start, b"".join(pieces))

    def _range(self, start: int, end: int, sink: Callable[[bytes], object]) -> None:
        """Fetch exactly ``start`` to ``end``; a wrong answer is refused before its first byte is taken."""

        def accept(answer: Answer) -> bool:
            if answer.status != 206:
                raise _ChangedError(f"{self._shown} changed while it was read, or the server gives no more parts of it")
            if self._bounds(answer) != (start, end, self.size):
                raise _ChangedError(f"{self._shown}: the server answers with another part than was asked for")
            if any(old and new and old != new for old, new in zip(self._marks, _marks(answer), strict=True)):
                raise _ChangedError(f"{self._shown} changed while it was read")
            return True

        got = 0

        def take(piece: bytes) -> None:
            nonlocal got
            got += len(piece)
            sink(piece)

        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        if self._validator:
            headers["If-Range"] = self._validator
        self._client.get(self._url, headers, end - start, take, accept)
        if got != end - start:
            raise HttpError(f"{self._shown}: the answer ends after {got} of {end - start} bytes")

    def _bounds(self, answer: Answer) -> tuple[int, int, int]:
        """Start, end and size of the whole, as ``Content-Range`` tells them."""
        found = _RANGE.fullmatch(answer.header("content-range").strip())
        start, last, size = (int(found[group]) for group in (1, 2, 3)) if found else (0, 0, 0)
        if not found or not start <= last < size or answer.header("content-encoding").lower() not in {"", "identity"}:
            raise _ChangedError(f"{self._shown}: the server does not say which part of the file it sends")
        return start, last + 1, size

    @property
    def _shown(self) -> str:
        return without_secrets(self._url)

    def _keep(self, start: int, data: bytes) -> None:
        self._pieces.append((start, data))
        while sum(len(piece) for _, piece in self._pieces) > KEPT and len(self._pieces) > 1:
            del self._pieces[0]

    def _held(self, offset: int, length: int) -> bytes | None:
        """Bytes that were fetched before; neighbouring pieces are joined."""
        parts = []
        while length > 0:
            piece = next(((s, d) for s, d in self._pieces if s <= offset < s + len(d)), None)
            if piece is None:
                return None
            part = piece[1][offset - piece[0] : offset - piece[0] + length]
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def _without_held(self, start: int, end: int) -> tuple[int, int]:
        """The range without what is already here at its two ends."""
        for _ in range(len(self._pieces)):
            for at, piece in self._pieces:
                if at <= start < at + len(piece):
                    start = min(at + len(piece), end)
                if at < end <= at + len(piece):
                    end = max(at, start)
        return start, end


def _marks(answer: Answer) -> tuple[str, str]:
    return answer.header("etag"), answer.header("last-modified")
