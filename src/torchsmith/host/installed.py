"""The files of an installed distribution held against its RECORD: thousands of them in one answer that names the odd ones."""

from __future__ import annotations

import os
import stat

from torchsmith.binaries import dist_record
from torchsmith.binaries.dist_record import Row
from torchsmith.binaries.errors import BinaryError
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOLD = 1000
"""At most so many paths of each kind are named."""

_CHUNK = 1 << 20
_ALGORITHMS = {"sha256", "sha384", "sha512"}


def answer(place: str, folder: str, levels: int, hashed: bool) -> Fact[dict[str, Any]]:
    """What ``compare`` finds; Unknown for a RECORD that cannot be believed."""
    try:
        return Known(compare(place, folder, levels, hashed), place)
    except BinaryError as error:
        return Unknown(str(error), (place,))


def compare(place: str, folder: str, levels: int, hashed: bool) -> dict[str, Any]:
    """Compare the files below ``folder`` with the RECORD at ``place``; ``levels`` as in ``dist_record.inside``.

    ``rows`` counts all; ``missing`` lists paths, ``sizes`` (path, bytes, recorded bytes), ``altered`` paths whose content has
    another hash (only if ``hashed``), ``refused`` paths that lie outside, ``unread`` (path, reason); ``counts`` the length of
    each list before it was cut to ``TOLD``. Compiled .pyc files come and go and are not looked for.

    Raises:
        OSError: the RECORD cannot be opened.
        BinaryError: it is beyond the limits.

    """
    found: dict[str, list[Any]] = {"missing": [], "sizes": [], "altered": [], "refused": [], "unread": []}
    warnings: list[str] = []
    with open(place, "rb", buffering=0) as file:
        rows = dist_record.read(file, os.fstat(file.fileno()).st_size, warnings)
    for row in rows:
        if not dist_record.inside(row[0], levels):
            found["refused"].append(row[0])
        elif not row[0].endswith(".pyc"):
            _compare(row, folder, hashed, found)
    counts = {kind: len(paths) for kind, paths in found.items()}
    return {"rows": len(rows), "counts": counts, "warnings": warnings} | {kind: paths[:TOLD] for kind, paths in found.items()}


def _compare(row: Row, folder: str, hashed: bool, found: dict[str, list[Any]]) -> None:
    name, expected, size = row
    path = f"{folder}/{name}"
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            found["unread"].append([name, "not a regular file"])
        elif size is not None and status.st_size != size:
            found["sizes"].append([name, status.st_size, size])
        elif hashed and expected:
            algorithm, _, digest = expected.partition("=")
            if algorithm in _ALGORITHMS and _digest(path, algorithm) != digest:
                found["altered"].append(name)
    except FileNotFoundError:
        found["missing"].append(name)
    except (OSError, ValueError) as error:
        found["unread"].append([name, getattr(error, "strerror", None) or str(error)])


def _digest(path: str, algorithm: str) -> str:
    import base64
    import hashlib

    digest = hashlib.new(algorithm, usedforsecurity=False)
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags), "rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            digest.update(data)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
