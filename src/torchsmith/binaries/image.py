"""A container image in one tar file, as ``docker save`` and OCI archives have it, or a plain tar: read without an engine.

The formats are the OCI image specification 1.1 (image layout, manifest, configuration, layers) and Docker's image
specification 1.2 (``manifest.json``). A tar that is no image is taken for one layer: a site-packages, or ``docker export``.
"""

from __future__ import annotations

import json

from torchsmith.binaries import tar
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.inspected import inspect
from torchsmith.binaries.layers import Files
from torchsmith.binaries.reader import Window, text
from torchsmith.binaries.stream import Budget, compression_of, opened
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torchsmith.binaries.layers import Found
    from torchsmith.binaries.reader import BinaryFile
    from torchsmith.binaries.stream import Stream
    from torchsmith.model.inspected import BinaryObject

JSON_LIMIT = 1 << 20
"""Bytes of a manifest, an index or a configuration; real ones have some ten thousand."""

IMAGES_LIMIT = 64
LAYERS_LIMIT = 512
"""Docker itself allows 127."""

PARTS_LIMIT = 10_000
"""Members of the archive that images may be made of."""

BINARIES_LIMIT = 40_000
"""Of all images of one archive."""

STREAMS_KEPT = 3
"""Unpacked layers that were passed once and need not be unpacked again; each holds up to 10 MiB."""

HELD = 4 << 20
"""Bytes of a binary that is taken into memory: a small one is read here and there, and a stream only forwards at its best."""

_PART = pattern(r"(?:blobs/[^/]+/[^/]+|(?:[^/]+/)?[^/]+\.(?:json|tar|tar\.gz|tgz))")
"""Names of members that images are made of."""

_ABOUT_GPUS = (
    "NVIDIA_",
    "NV_",
    "CUDA",
    "CUDNN",
    "NCCL",
    "TORCH",
    "PYTORCH",
    "LD_",
    "PYTHON",
    "CONDA_",
    "VIRTUAL_ENV",
    "ROCM",
    "HIP",
)
"""Beginnings of the environment variables that are shown: others may hold secrets."""


@record
class Layer:
    """One layer of an image."""

    digest: str
    """``sha256:...`` of the layer as it is packed, or unpacked where the archive names it so; "" for a plain tar."""
    compression: str
    """``gzip``, ``zstd``, ..., "" for none."""
    size: int
    """Bytes in the archive."""
    offset: int
    """In the archive."""
    fault: str = ""
    """Why it was not read; "" where it was."""


@record
class Image:
    """One image of an archive; a plain tar is one without a name."""

    name: str
    """Its tags, or its digest."""
    os: str
    architecture: str
    """As images have it: ``amd64``, ``arm64``."""
    env: tuple[tuple[str, str], ...]
    """Of the variables that it sets, those that are about GPUs, Python and the loader."""
    layers: tuple[Layer, ...]


class Archive:
    """The images of one file, and the binaries that each shows in the end."""

    def __init__(self, file: BinaryFile, size: int) -> None:
        """Read what the archive holds, not yet its layers; raise BinaryError for one that is no tar."""
        self._file, self._size = file, size
        self._parts: dict[str, tar.Member] = {}
        self.warnings: list[str] = []
        self._members_left = tar.MEMBERS_LIMIT
        """Of all layers together: a layer may be named again and again."""
        self._binaries_left = BINARIES_LIMIT
        self._budget = Budget(size, 4)  # to list what the layers hold, and to read that
        self._streams: dict[int, Window | Stream] = {}
        """The largest layers, by their place in the archive."""
        self._stream = opened(file, size, self._budget)
        self._plain = Files(self.warnings)
        self._plain.add(0, self._noted())
        self.images = tuple(self._images()) or (Image("", "", "", (), (Layer("", "", size, 0),)),)

    def files(self, image: Image) -> tuple[Found, ...]:
        """The binaries of the image's own file system, what upper layers delete or replace left out; layer by layer."""
        if not image.name:
            return tuple(self._plain)
        files = Files(self.warnings)
        for number, layer in enumerate(image.layers):
            if layer.fault:
                self.warnings.append(f"layer {number} ({layer.digest}) is not read: {layer.fault}")
                continue
            damage: list[str] = []
            try:
                files.add(number, self._counted(tar.members(self._layer(layer, image).read_at, damage, self._members_left)))
            except BinaryError as error:
                damage.append(str(error))
            self.warnings += [f"layer {number} ({layer.digest}): {problem}" for problem in damage]
        left = tuple(files)
        if len(left) > self._binaries_left:
            self.warnings.append(f"more than {BINARIES_LIMIT} binaries in all images: the rest is not read")
            left = left[: self._binaries_left]
        self._binaries_left -= len(left)
        return left

    def _counted(self, members: Iterator[tar.Member]) -> Iterator[tar.Member]:
        for member in members:
            self._members_left = max(0, self._members_left - 1)
            yield member

    def objects(self, image: Image, files: tuple[Found, ...]) -> Iterator[tuple[Found, BinaryObject | str]]:
        """Each of the image's ``files`` with what it is, or why that cannot be told; several names of one file are read once."""
        stream = self._stream
        number, place = -1, -1
        told: BinaryObject | str = ""
        for found in files:
            if found.fault:
                yield found, found.fault
                continue
            try:
                if found.layer != number and image.name:
                    stream = self._layer(image.layers[found.layer], image)
                if (found.layer, found.offset) != (number, place):
                    number, place = found.layer, found.offset
                    told = _inspected(stream, found)
            except BinaryError as error:
                number, told = -1, str(error)
            yield found, told

    def _noted(self) -> Iterator[tar.Member]:
        """The archive's members; those that an image is made of are kept."""
        for member in tar.members(self._stream.read_at, self.warnings):
            name = member.name.removeprefix("./")
            if len(self._parts) < PARTS_LIMIT and _PART.fullmatch(name):
                self._parts[name] = member
            yield member

    def _layer(self, layer: Layer, image: Image) -> Window | Stream:
        """The unpacked layer, anew or from before."""
        if layer.offset not in self._streams:
            packed = Window(self._stream, layer.offset, layer.size, layer.offset + layer.size)
            stream = opened(packed, layer.size, self._budget)
            largest = sorted(image.layers, key=lambda one: -one.size)[:STREAMS_KEPT]
            if layer not in largest:
                return stream
            kept = {one.offset for one in largest}
            self._streams = {offset: one for offset, one in self._streams.items() if offset in kept} | {layer.offset: stream}
        return self._streams[layer.offset]

    def _images(self) -> Iterator[Image]:
        try:
            if "manifest.json" in self._parts:
                yield from self._docker(self._json("manifest.json"))
            elif "index.json" in self._parts:
                yield from self._oci(self._json("index.json"))
        except BinaryError as error:
            self.warnings.append(str(error))

    def _docker(self, manifest: Any) -> Iterator[Image]:
        for item in _dicts(manifest)[:IMAGES_LIMIT]:
            tags = ", ".join(_texts(item.get("RepoTags")))
            config = self._config(str(item.get("Config")))
            names = _texts(item.get("Layers"))
            sums = _texts(_dict(config.get("rootfs")).get("diff_ids"))
            digests = [_digest(name) or (sums[number] if len(sums) == len(names) else name) for number, name in enumerate(names)]
            yield self._image(tags or str(item.get("Config"))[:100], config, list(zip(names, digests, strict=True)))

    def _oci(self, index: Any, depth: int = 0) -> Iterator[Image]:
        for item in _dicts(_dict(index).get("manifests"))[:IMAGES_LIMIT]:
            notes = _dict(item.get("annotations"))
            if notes.get("vnd.docker.reference.type"):
                continue  # an attestation: statements about an image, not one
            digest = str(item.get("digest"))[:100]
            manifest = _dict(self._json(_blob(digest)))
            if "manifests" in manifest and depth < 2:
                yield from self._oci(manifest, depth + 1)
                continue
            digests = [str(layer.get("digest"))[:100] for layer in _dicts(manifest.get("layers"))]
            config = self._config(_blob(str(_dict(manifest.get("config")).get("digest"))))
            name = str(notes.get("io.containerd.image.name") or notes.get("org.opencontainers.image.ref.name") or digest)
            yield self._image(name, config, [(_blob(digest), digest) for digest in digests])

    def _image(self, name: str, config: dict[str, Any], layers: list[tuple[str, str]]) -> Image:
        if len(layers) > LAYERS_LIMIT:
            self.warnings.append(f"{name}: {len(layers)} layers, of which {LAYERS_LIMIT} are read")
        return Image(
            name=name,
            os=str(config.get("os", "")),
            architecture=str(config.get("architecture", "")),
            env=_environment(_texts(_dict(config.get("config")).get("Env"))),
            layers=tuple(self._found(part, digest) for part, digest in layers[:LAYERS_LIMIT]),
        )

    def _found(self, part: str, digest: str) -> Layer:
        """The layer that lies in the archive's member ``part``."""
        member = self._part(part)
        if member is None:
            return Layer(digest, "", 0, 0, "it is not in the archive")
        window = Window(self._stream, member.offset, member.size, member.offset + member.size)
        try:
            return Layer(digest, compression_of(window, member.size), member.size, member.offset)
        except BinaryError as error:
            return Layer(digest, "", member.size, member.offset, str(error))

    def _part(self, name: str) -> tar.Member | None:
        """The member of that name, links followed: older Dockers save a layer once, and link to it."""
        for _ in range(8):
            member = self._parts.get(name)
            if member is None or member.kind not in {"symlink", "link"}:
                return member if member and member.kind == "file" else None
            folder = name.rpartition("/")[0] if member.kind == "symlink" else ""
            name = _joined(folder, member.link)
        return None

    def _config(self, part: str) -> dict[str, Any]:
        try:
            return _dict(self._json(part))
        except BinaryError as error:
            self.warnings.append(str(error))
            return {}

    def _json(self, part: str) -> Any:
        """What the JSON in a member says; raise BinaryError where it is missing, too large or none."""
        member = self._part(part)
        if member is None:
            raise BinaryError(f"the archive names {part[:200]}, which it does not hold")
        if member.size > JSON_LIMIT:
            raise BinaryError(f"{part}: {member.size} bytes of JSON; at most {JSON_LIMIT} are read")
        data = self._stream.read_at(member.size, member.offset)
        try:
            return json.loads(data.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise BinaryError(f"{part} is no JSON") from None


class _Held:
    """A small file in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def read_at(self, length: int, offset: int) -> bytes:
        """Return ``length`` bytes at ``offset``, fewer at the end."""
        return self._data[offset : offset + length]

    def seek(self, offset: int, _: int = 0, /) -> int:
        """Move to ``offset``."""
        self._place = offset
        return offset

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes from the present place."""
        return self.read_at(size, self._place)


def _inspected(stream: Window | Stream, found: Found) -> BinaryObject:
    window = Window(stream, found.offset, found.size, found.offset + found.size)
    if found.size <= HELD:
        return inspect(_Held(window.read()), found.size, found.path)
    return inspect(window, found.size, found.path)


def _environment(variables: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [variable.partition("=")[::2] for variable in variables]
    return tuple((name, value) for name, value in pairs if name == "PATH" or name.startswith(_ABOUT_GPUS))


def _digest(name: str) -> str:
    """The digest that a blob's name is; "" for another name."""
    folder, _, rest = name.partition("/")
    kind, _, value = rest.partition("/")
    return f"{kind}:{value}" if folder == "blobs" and value else ""


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)


def _joined(folder: str, name: str) -> str:
    """``name`` as a link in ``folder`` means it, inside the archive."""
    parts: list[str] = []
    for part in f"{folder}/{name}".split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return (
        [text(item.encode("utf-8", "surrogatepass"))[:4096] for item in value if isinstance(item, str)]
        if isinstance(value, list)
        else []
    )
