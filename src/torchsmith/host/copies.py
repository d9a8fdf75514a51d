"""Files that are copies of one another, told without reading them whole: environments that were copied, not linked.

The wheel's RECORD gives the hash of each file that was installed. Two files of one name and size whose RECORDs give the same
SHA-256 are taken for one content, if also their first and last bytes agree: a library that was patched, or never written to
its end, differs there. RECORD is a claim and not a proof: what it says is checked by ``inspect --hash`` only.
"""

from __future__ import annotations

import os

from torchsmith.model.binary_names import is_binary_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.host.base import Candidate

    Identity = tuple[object, ...]
    Proof = tuple[str, bytes, bytes]
    """The hash by RECORD; the first and the last bytes."""

NAMES_LIMIT = 50_000
"""Different files that are remembered: copies of others are read each for itself."""

RECORD_LIMIT = 32 << 20
SITES_KEPT = 4
SAMPLE = 4096
"""Bytes compared at each end: the headers, the dynamic section or the section table of a library."""

SMALL = 2 * SAMPLE
"""Bytes: a smaller file is read for itself."""


def identity_of(file: Candidate) -> Identity:
    """What two paths of one file have in common; the path itself where the system tells nothing."""
    return (file.device, file.inode, file.size, file.mtime_ns) if file.inode else (file.path,)


class Copies:
    """Remembers the files that it has seen."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, int], tuple[Candidate, list[Proof | None]]] = {}
        """(name, size) -> the first such file, and what proves its content once that was asked for."""
        self._sites: dict[str, dict[str, tuple[int, str]]] = {}

    def original(self, file: Candidate) -> Identity:
        """The identity of the first file with this content, as far as that can be told; else its own."""
        own = identity_of(file)
        if file.size < SMALL:
            return own
        key = (os.path.basename(file.path), file.size)
        if key not in self._first:
            if len(self._first) < NAMES_LIMIT:
                self._first[key] = (file, [])
            return own
        first, proofs = self._first[key]
        identity = identity_of(first)
        if identity == own:
            return own
        if not proofs:
            proofs.append(self._proof(first))
        return identity if proofs[0] is not None and proofs[0] == self._proof(file) else own

    def _proof(self, file: Candidate) -> Proof | None:
        """What stands for its content; None where no RECORD vouches for it, or the file is not of the size that one says."""
        site, mark, name = _split(file.path)
        size, hashed = self._records(site + mark).get(name, (-1, "")) if mark else (-1, "")
        if size != file.size or not hashed.startswith("sha256="):
            return None
        try:
            with open(file.path, "rb", buffering=0) as opened:
                start = opened.read(SAMPLE)
                opened.seek(-SAMPLE, os.SEEK_END)
                return hashed, start, opened.read(SAMPLE)
        except OSError:
            return None

    def _records(self, site: str) -> dict[str, tuple[int, str]]:
        """Size and hash of every binary in the RECORDs of a site-packages, by path."""
        if site not in self._sites:
            if len(self._sites) >= SITES_KEPT:
                self._sites.pop(next(iter(self._sites)))
        else:
            self._sites[site] = self._sites.pop(site)  # the last one is the freshest
            return self._sites[site]
        rows: dict[str, tuple[int, str]] = {}
        self._sites[site] = rows
        try:
            folders = [name for name in os.listdir(site) if name.endswith(".dist-info")]
        except OSError:
            return rows
        for folder in folders:
            try:
                with open(os.path.join(site, folder, "RECORD"), encoding="utf-8", errors="replace") as file:
                    text = file.read(RECORD_LIMIT)
            except OSError:
                continue
            for line in text.split("\n"):
                cells = line.rstrip("\r").rsplit(",", 2)
                if len(cells) == 3 and is_binary_name(cells[0]) and cells[2].isdecimal():
                    rows[os.path.normpath(cells[0])] = (int(cells[2][:18]), cells[1])
        return rows


def _split(path: str) -> tuple[str, str, str]:
    """In front of site-packages; its name; the path in it."""
    for mark in ("site-packages", "dist-packages"):
        before, found, after = path.rpartition(os.sep + mark + os.sep)
        if found:
            return before + os.sep, mark, after
    return path, "", ""
