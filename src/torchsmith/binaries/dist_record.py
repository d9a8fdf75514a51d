"""RECORD: which files a distribution has, with their sizes and hashes (the wheel format of PEP 427, PEP 376 once installed)."""

from __future__ import annotations

import csv

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 6 * 1024 * 1024
"""Bytes: that of torch has 1.5 million."""

MOST_ROWS = 100_000
UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")
"""Names in a .dist-info folder that cannot hold their own hash."""


Row = tuple[str, str, int | None]
"""Path relative to the folder of the distribution; hash as in the file, ``sha256=...`` in base64 for URLs, "" for none, as of
compiled .pyc files; size in bytes. A tuple, because there are thousands of them.
"""


def read(file: BinaryFile, size: int, warnings: list[str]) -> list[Row]:
    """The rows of a RECORD; what is no row is told in ``warnings``. Raises BinaryError beyond the limits."""
    if size > LIMIT:
        raise BinaryError(f"a RECORD of {size} bytes: at most {LIMIT} are believed")
    return parse(Reader(file, size).at(0, size, "RECORD").decode("utf-8", "replace"), warnings)


def parse(text: str, warnings: list[str]) -> list[Row]:
    """The rows of a RECORD's text."""
    rows: list[Row] = []
    bad = 0
    for cells in _cells(text):
        row = _row(cells)
        if row is not None:
            rows.append(row)
        elif cells:
            bad += 1
        if len(rows) + bad > MOST_ROWS:
            raise BinaryError(f"a RECORD of more than {MOST_ROWS} rows")
    if bad:
        warnings.append(f"{bad} lines of RECORD are no rows of path, hash and size")
    return rows


def inside(path: str, levels: int) -> bool:
    """Whether a row's path stays in its environment: it may climb ``levels`` folders, as scripts in ``bin`` do."""
    if not path or path[0] in "/\\" or path[1:2] == ":" or "\0" in path:
        return False
    if ".." not in path:
        return True
    depth = levels
    for part in path.replace("\\", "/").split("/"):
        depth += -1 if part == ".." else 1 if part not in {"", "."} else 0
        if depth < 0:
            return False
    return True


def _cells(text: str) -> Iterator[list[str]]:
    """The cells of each line; only lines with quotes are work for a reader of CSV, and few have any."""
    try:
        for line in _lines(text):
            if '"' not in line:
                bare = line.rstrip("\r\n")
                yield bare.split(",") if bare else []
            else:
                yield from csv.reader([line], strict=False)
    except csv.Error as error:
        raise BinaryError(f"RECORD cannot be read: {error}") from None


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, one at a time: a list of them would double the memory."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _row(cells: list[str]) -> Row | None:
    if len(cells) != 3 or not cells[0]:
        return None
    path, hashed, size = cells
    if (hashed and "=" not in hashed) or (size and not (size.isascii() and size.isdigit())):
        return None
    return path, hashed, int(size[:18]) if size else None
