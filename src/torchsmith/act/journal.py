"""What a run has done so far, on the disk before it goes on: small records, each with its number and a checksum.

The space is taken when the journal is made, so that a full disk cannot keep a run from saying that it is done. A record that
was cut by a power failure does not count, nor does anything behind it.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

from torchsmith.model.errors import TryAgainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SPACE = 16 << 10
"""Bytes that are taken in advance: some hundred records."""
_LONGEST = 16 << 20
_SUM = 12


class Journal:
    """The records of one run, in the order of their numbers; the clock plays no part."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end, self.records = _read(path)

    def add(self, kind: str, **more: Any) -> None:
        """Write a record; it is on the disk when this returns."""
        record = {"number": len(self.records) + 1, "kind": kind, **more}
        line = _line(record)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if not self.records and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, SPACE)
            os.lseek(descriptor, self._end, os.SEEK_SET)
            left = line
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._end += len(line)
        self.records.append(record)

    def last(self, *kinds: str) -> dict[str, Any] | None:
        """The latest record of one of these kinds."""
        return next((record for record in reversed(self.records) if record["kind"] in kinds), None)


def _line(record: dict[str, Any]) -> bytes:
    told = json.dumps(record, sort_keys=True).encode()
    return sha256(told).hexdigest()[:_SUM].encode() + b" " + told + b"\n"


def _read(path: Path) -> tuple[int, list[dict[str, Any]]]:
    """Where the next record goes, and those that are whole."""
    try:
        if not path.is_file():  # a pipe or a device would keep us for ever
            return 0, []
        data = path.read_bytes()[:_LONGEST]
    except OSError as error:
        raise TryAgainError(f"the journal `{path}` cannot be read: {error.strerror or error}") from None
    records: list[dict[str, Any]] = []
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        told = data[at + _SUM + 1 : end]
        if sha256(told).hexdigest()[:_SUM].encode() != data[at : at + _SUM]:
            break
        record = json.loads(told)
        if record.get("number") != len(records) + 1:
            break
        records.append(record)
        at = end + 1
    return at, records
