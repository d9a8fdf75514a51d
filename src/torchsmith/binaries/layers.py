"""The files that a container image shows in the end: its layers laid one over the other, without unpacking any.

The rules are the OCI image specification's "Image Layer Filesystem Changeset": an upper layer's entry replaces what stood there,
``.wh.NAME`` deletes NAME of the layers below, ``.wh..wh..opq`` all that they have in its folder.
"""

from __future__ import annotations

from torchsmith.model.binary_names import is_binary_name
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torchsmith.binaries.tar import Member

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"

FILES_LIMIT = 20_000
"""Binaries of one image."""

TEXT_LIMIT = 2 << 20
"""Bytes of their names, all together."""

DEPTH_LIMIT = 32
"""Folders above a binary."""


@record
class Found:
    """A binary of an image."""

    path: str
    """Without a leading slash; a name that climbs out of the image stays as it is."""
    layer: int
    """Number of the layer that holds its data, from 0, the lowest."""
    size: int
    offset: int
    """Of its data, in the unpacked layer."""
    fault: str = ""
    """Why it cannot be read; "" where it can."""


class Files:
    """Takes layer after layer, the lowest first, and keeps of them the binaries that are still there."""

    def __init__(self, warnings: list[str]) -> None:
        self._warnings = warnings
        self._files: dict[str, tuple[int, Found]] = {}
        """Path -> (the layer that put it there, the file)."""
        self._under: dict[str, set[str]] = {}
        """Folder -> paths of the binaries below it, at any depth."""
        self._text = 0
        self._emptied: set[str] = set()
        """Folders whose lower layers the present layer has hidden already: saying so again must not cost again."""

    def __iter__(self) -> Iterator[Found]:
        """Those that are left, in the order in which their layers hold them."""
        return iter(
            sorted((found for _, found in self._files.values()), key=lambda found: (found.layer, found.offset, found.path))
        )

    def add(self, layer: int, members: Iterable[Member]) -> None:
        """Lay a layer over those below."""
        climbing = 0
        self._emptied = set()
        for member in members:
            path = _clean(member.name)
            if ".." in path and ".." in path.split("/"):
                climbing += 1
            folder, _, name = path.rpartition("/")
            if not name.startswith(WHITEOUT):
                self._put(path, layer, member)
            elif name == OPAQUE:
                self._empty(folder, layer)
            elif not name.startswith(".wh..wh."):  # what is left are notes of old storage drivers
                hidden = f"{folder}/{name[4:]}" if folder else name[4:]
                self._hide(hidden, layer)
                self._empty(hidden, layer)
        if climbing:
            self._warnings.append(f"layer {layer}: {climbing} names climb out of the image")

    def _put(self, path: str, layer: int, member: Member) -> None:
        found = self._found(path, layer, member)
        self._hide(path, layer + 1)
        if member.kind != "dir":
            for below in tuple(self._under.get(path, ())):
                self._hide(below, layer + 1)
        if found is None or not self._fits(path):
            return
        self._files[path] = (layer, found)
        self._text += len(path)
        for folder in _folders(path):
            self._under.setdefault(folder, set()).add(path)

    def _found(self, path: str, layer: int, member: Member) -> Found | None:
        """What the member is, if it is a binary; a link to one of its own layer, or below, has that one's data."""
        if not is_binary_name(path) or member.kind not in {"file", "link", "sparse"}:
            return None
        if member.kind == "link":
            target = self._files.get(_clean(member.link))
            if target is None:
                return Found(path, layer, 0, 0, "a hard link to a file that is not among the image's binaries")
            return Found(path, target[1].layer, target[1].size, target[1].offset, target[1].fault)
        fault = "a sparse file: not read" if member.kind == "sparse" else ""
        return Found(path, layer, member.size, member.offset, fault)

    def _fits(self, path: str) -> bool:
        """Whether one more can be kept."""
        if path.count("/") > DEPTH_LIMIT:
            problem = f"binaries more than {DEPTH_LIMIT} folders deep are not read"
        elif len(self._files) >= FILES_LIMIT or self._text + len(path) > TEXT_LIMIT:
            problem = f"more than {FILES_LIMIT} binaries, or {TEXT_LIMIT >> 20} MiB of their names: the rest is not read"
        else:
            return True
        if problem not in self._warnings:
            self._warnings.append(problem)
        return False

    def _hide(self, path: str, layer: int) -> None:
        """Forget the binary at ``path``, if a layer below ``layer`` put it there."""
        if path in self._files and self._files[path][0] < layer:
            del self._files[path]
            self._text -= len(path)
            for folder in _folders(path):
                self._under[folder].discard(path)
                if not self._under[folder]:
                    del self._under[folder]

    def _empty(self, folder: str, layer: int) -> None:
        """Forget the binaries below ``folder`` that layers below ``layer`` put there."""
        if folder in self._emptied or (folder and folder not in self._under):
            return
        self._emptied.add(folder)
        for path in tuple(self._under[folder] if folder else self._files):
            self._hide(path, layer)


def _clean(name: str) -> str:
    """A member's name as a path from the root of the image."""
    parts = name.split("/")
    if ".." in parts:
        return name
    return "/".join(part for part in parts if part not in {"", "."})


def _folders(path: str) -> Iterator[str]:
    """All folders above a path, but the root."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)
