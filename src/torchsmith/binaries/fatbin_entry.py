"""One entry of a fatbin container in words, for listings."""

from __future__ import annotations

from torchsmith.binaries import fatbin
from torchsmith.model.gpu_code import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.binaries.fatbin import Header

RELOCATABLE = frozenset({"__nv_relfatbin", "__nv_rel"})

_PREFIXES = {"sass": "sm_", "ptx": "compute_", "lto": "lto_"}
_FLAGS = ((0x1, "64bit"), (fatbin.FLAG_DEBUG, "debug"), (0x10, "linux"), (0x40, "windows"))


def entry_of(section: str, container: int, offset: int, header: Header) -> Entry:
    """The entry whose ``header`` lies at ``offset``."""
    kind, _, payload, compressed, minor, major, number, flags, uncompressed = header
    name = fatbin.KINDS.get(kind, f"kind {kind}")
    compression = "lz4" if flags & fatbin.FLAG_LZ4 else "zstd" if flags & fatbin.FLAG_ZSTD else ""
    words = [word for bit, word in _FLAGS if flags & bit]
    if section in RELOCATABLE:
        words.append("rdc")
    return Entry(
        section=section,
        container=container,
        offset=offset,
        kind=name,
        arch=f"{_PREFIXES.get(name, 'sm_')}{number}{fatbin.SUFFIXES[flags >> 20 & 3]}",
        version=f"{major}.{minor}",
        compression=compression,
        size=payload,
        compressed=compressed if compression else 0,
        uncompressed=uncompressed if compression else payload,
        flags=tuple(words),
    )
