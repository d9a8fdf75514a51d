"""Which releases of torch export a symbol: to tell which torch an extension was built for.

``data/torch_symbols.bin`` is made by tools/renew_torch_symbols.py from the Linux x86-64 wheels of the default index, the last
patch release of each: CRC-32 of a name, and the releases that export it, for every name that some have and others lack. The
tool's text says what is left out. Names are those of the Itanium C++ ABI: Linux and, with one more underscore, macOS.
"""

from __future__ import annotations

import struct
import zlib
from pkgutil import get_data

from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TABLE = "data/torch_symbols.bin"

_SPECIAL = r"_Z(?:T[VIT]|T[hv][0-9n_]+|Tc[0-9nhv_]+)?N?[KVRO]{0,3}"
_OURS = pattern(rf"{_SPECIAL}(?:2at|3c10|5torch|6caffe2)[0-9A-Z]|aoti_torch_|torch_|THP")
_LEFT_OUT = pattern(rf"{_SPECIAL}2at6native")
_ROW = struct.Struct("<II")


@record
class Symbols:
    """The table: ``rows`` has the hash of a name, and one bit for each of the ``releases``, the oldest lowest."""

    releases: tuple[str, ...]
    rows: Mapping[int, int]

    def exporters(self, name: str) -> tuple[str, ...]:
        """The releases that export the name, oldest first; empty for a name that none or every one of them exports."""
        held = self.rows.get(zlib.crc32(name.encode("utf-8", "surrogateescape")), 0)
        return tuple(release for bit, release in enumerate(self.releases) if held >> bit & 1)

    def common(self, names: Iterable[str]) -> tuple[str, ...]:
        """The releases that export all of the names, oldest first."""
        found = [frozenset(self.exporters(name)) for name in names]
        return tuple(release for release in self.releases if found and all(release in each for each in found))


def is_torchs(name: str) -> bool:
    """Whether a name is torch's own, by its namespace or prefix."""
    return bool(_OURS.match(name))


def covers(name: str) -> bool:
    """Whether the table would have this name if releases differed in it: torch's own but the kernels in ``at::native``."""
    return is_torchs(name) and not _LEFT_OUT.match(name)


def load() -> Symbols:
    """The whole table."""
    data = zlib.decompress(get_data(__package__, TABLE) or b"")
    head, _, rows = data.partition(b"\n")
    return Symbols(tuple(head.decode().split()), dict(_ROW.iter_unpack(rows)))


def packed(releases: Iterable[str], rows: Mapping[int, int]) -> bytes:
    """The table as its file has it."""
    head = " ".join(releases).encode() + b"\n"
    return zlib.compress(head + b"".join(_ROW.pack(*row) for row in sorted(rows.items())), 9)
