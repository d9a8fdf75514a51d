"""The files of an installed distribution held against its RECORD: thousands of them in one answer that names the odd ones."""

from __future__ import annotations

import os
import stat

from torchsmith.binaries import dist_record
from torchsmith.binaries.dist_record import Row
from torchsmith.binaries.errors import BinaryError
from torchsmith.model.binary_names import is_binary_name
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO
    from typing import Any

TOLD = 1000
"""At most so many paths of each kind are named."""

_WEIGHED = (".py", ".so", ".pyd", ".dll", ".dylib")
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
    each list before it was cut to ``TOLD``. Compiled .pyc files come and go and are not looked for. The size is that of what
    Python runs or loads; with ``hashed`` that of every file.

    Raises:
        OSError: the RECORD cannot be opened.
        BinaryError: it is beyond the limits.

    """
    found: dict[str, list[Any]] = {"missing": [], "sizes": [], "altered": [], "refused": [], "unread": []}
    warnings: list[str] = []
    with _opened(place) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise BinaryError("not a regular file")
        rows = dist_record.read(file, status.st_size, warnings)
    there = _Folders(folder)
    for row in rows:
        name = row[0]
        if name.endswith(".pyc"):
            continue
        if not dist_record.inside(name, levels):
            found["refused"].append(name)
        elif hashed or name.endswith(_WEIGHED) or ".so." in name:
            _compare(row, folder, hashed, found)
        elif not there.has(name):
            found["missing"].append(name)
    counts = {kind: len(paths) for kind, paths in found.items()}
    for paths in found.values():  # libraries before headers: the cut below must not lose what matters
        paths.sort(key=lambda one: not is_binary_name(one if isinstance(one, str) else one[0]))
    return {"rows": len(rows), "counts": counts, "warnings": warnings} | {kind: paths[:TOLD] for kind, paths in found.items()}


class _Folders:
    """The names in each folder, listed once: fifteen thousand headers cost a tenth of what asking for each of them does."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._names: dict[str, frozenset[str]] = {}

    def has(self, path: str) -> bool:
        """Whether the file is there; a folder that cannot be listed is asked for it."""
        folder, _, name = path.rpartition("/")
        names = self._names.get(folder)
        if names is None:
            try:
                names = frozenset(os.listdir(f"{self._root}/{folder}"))
            except (OSError, ValueError):
                names = frozenset()
            self._names[folder] = names
        return name in names or (not names and os.path.exists(f"{self._root}/{path}"))


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
    with _opened(path) as file:
        while data := file.read(_CHUNK):
            digest.update(data)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def _opened(path: str) -> FileIO:
    """The file; a pipe that nobody writes does not keep us waiting."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    return open(os.open(path, flags), "rb", buffering=0)
