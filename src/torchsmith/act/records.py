"""What is recorded as installed in an environment, read from its folder alone: each record, and whether its files are there."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMIT = 64 << 20
"""Bytes of a RECORD that are read: that of torch has 2 MB."""
_INFO = ".dist-info"
_MODULE = re.compile(r"([A-Za-z_]\w*)(?:\.(?:py|pyd|so)|\.[\w-]+\.(?:pyd|so))")
_SLIGHT = frozenset({"docs", "tests", "test", "examples"})


@record
class Distribution:
    """One record: the package's name in its plain spelling, its version, the folder of the record."""

    name: str
    version: str
    folder: str

    def rows(self) -> Iterator[tuple[str, int | None]]:
        """Each file of the RECORD with its size; nothing where there is no RECORD."""
        import csv

        text = _text(Path(self.folder) / "RECORD")
        with suppress(csv.Error):
            for row in csv.reader(text.splitlines()):
                if row and row[0]:
                    size = row[2] if len(row) > 2 else ""
                    yield row[0], int(size) if size.isdigit() else None

    def damage(self, prefix: Path) -> tuple[int, list[str]]:
        """How many files were looked at, and what is wrong with them: missing, of another size, or outside of the prefix."""
        site, inside = os.path.dirname(self.folder), os.path.abspath(prefix) + os.sep
        seen, wrong = 0, []
        if not os.path.isfile(os.path.join(self.folder, "METADATA")):
            wrong.append(f"{self.name}: {os.path.basename(self.folder)} has no METADATA")
        if not os.path.isfile(os.path.join(self.folder, "RECORD")):
            # It is what an installer writes last. Conda keeps records of its own elsewhere.
            if not os.path.isdir(os.path.join(prefix, "conda-meta")):
                wrong.append(f"{self.name} {self.version} has no RECORD")
            return seen, wrong
        for path, size in self.rows():
            if path.endswith(".pyc"):
                continue
            full = os.path.normpath(os.path.join(site, path))
            seen += 1
            if not full.startswith(inside):
                wrong.append(f"{self.name} names {path}, which is outside of the environment")
                continue
            try:
                have = os.stat(full).st_size
            except OSError:
                wrong.append(f"{self.name}: {path} is missing")
                continue
            if size is not None and have != size:
                wrong.append(f"{self.name}: {path} has {have} bytes where {size} are recorded")
        return seen, wrong

    def module(self) -> str:
        """The module that an import of this package means; empty where it has none of its own (the CUDA wheels)."""
        tops: dict[str, int] = {}
        for path, _ in self.rows():
            first, _, rest = path.partition("/")
            if rest == "__init__.py":
                tops[first] = tops.get(first, 0) + 2
            elif not rest and (found := _MODULE.fullmatch(first)):
                tops[found[1]] = tops.get(found[1], 0) + 1
        own = self.name.replace("-", "_")
        if own in tops:
            return own
        tops = {name: weight for name, weight in tops.items() if name.isidentifier() and name not in _SLIGHT}
        plain = [name for name in tops if normal(name) == self.name or name.lower() == own]
        return min(plain or tops, key=lambda name: (name.startswith("_"), -tops[name], name), default="")


def read(prefix: Path) -> tuple[tuple[Distribution, ...], tuple[str, ...]]:
    """Every record below an environment's site-packages, and the ``~`` folders that pip leaves when it is cut."""
    found, left = [], []
    for site in sites(prefix):
        with suppress(OSError):
            for name in sorted(os.listdir(site)):
                if name.startswith("~"):
                    left.append(name)
                elif name.endswith(_INFO) and os.path.isdir(site / name):
                    found.append(_distribution(site / name))
    return tuple(found), tuple(left)


def sites(prefix: Path) -> tuple[Path, ...]:
    """The folders of an environment that hold its packages, each once."""
    patterns = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/pypy3*/site-packages", "Lib/site-packages")
    found: dict[str, Path] = {}
    for pattern in patterns:
        for site in sorted(prefix.glob(pattern)):
            if site.is_dir():
                found.setdefault(os.path.realpath(site), site)
    return tuple(found.values())


def normal(name: str) -> str:
    """A package's name in the one spelling that names are compared by."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(folder: Path) -> Distribution:
    """By its METADATA; by the folder's own name where that cannot be read."""
    named: dict[str, str] = {}
    for line in _text(folder / "METADATA", 1 << 16).splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        named.setdefault(key.strip().lower(), value.strip())
    name, _, version = folder.name.removesuffix(_INFO).partition("-")
    return Distribution(normal(named.get("name") or name), named.get("version") or version, str(folder))


def _text(path: Path, limit: int = _LIMIT) -> str:
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""
