"""What a wheel says of itself, and what it holds: PEP 427 and 425, core metadata, native libraries.

Only the few members that answer are read; over HTTP that is a handful of requests. A wheel that is malformed or cut short gives
what can be read of it, and warnings.
"""

from __future__ import annotations

from torchsmith.binaries import dist_record
from torchsmith.binaries import zip as zipped
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.inflate import Inflated
from torchsmith.binaries.reader import BinaryFile, text
from torchsmith.binaries.zip import Archive, Member
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

METADATA_LIMIT = 4 * 1024 * 1024
"""Bytes: with the longest of READMEs the real ones stay under 300,000."""

UNPACKED_LIMIT = 8 << 30
"""Bytes of libraries that are inflated: torch's whole wheels have 1.2 billion."""

TEXT_LIMIT = 1024 * 1024
TORCH_TEXTS = ("torch/version.py", "torch/include/ATen/cuda/CUDAConfig.h")
"""What tells a torch build's version, CUDA and declared architectures: three thousand bytes."""

_FILENAME = pattern(
    r"(?P<name>[A-Za-z0-9_.]{1,100}?)-(?P<version>[A-Za-z0-9_.!+]{1,100}?)(?:-(?P<build>[0-9][A-Za-z0-9_.]{0,50}))?"
    r"-(?P<python>[A-Za-z0-9_.]{1,200})-(?P<abi>[A-Za-z0-9_.]{1,200})-(?P<platform>[A-Za-z0-9_.]{1,400})\.whl",
)
_NATIVE = pattern(r"\.(?:so|pyd|dll|dylib)$|\.so(?:\.[0-9]{1,8}){1,4}$", 2)
_HASHED = pattern(r"(?P<stem>.+?)[-.][0-9a-f]{8,64}(?P<rest>\.so(?:\.[0-9.]+)?|\.dll|(?:\.[0-9.]+)?\.dylib)", 2)
_PIN = pattern(
    r"(?P<name>[A-Za-z0-9._-]++)\s*+(?:\[[^\]]*+\])?+\s*+\(?+\s*+===?+\s*+(?P<version>[^\s,;()*]++)\s*+\)?+\s*+(?:;\s*+(?P<when>.*+))?+"
)
_SYSTEM = pattern(r"""(?:platform_system|sys_platform)\s*==\s*["'](\w+)["']""")
_SYSTEMS = {"linux": "linux", "windows": "win", "win32": "win", "darwin": "macosx"}
"""As markers name a system -> part of the platform in a wheel's tags."""

_HEADER = pattern(r"([A-Za-z0-9-]{1,60}):[ \t]*(.*)")
_SLACK = 1 << 17
"""Bytes that a local header may take, with the longest of names and extra fields."""


@record
class Filename:
    """The parts of a wheel's file name. The tags are compressed sets: ``py2.py3`` is two."""

    name: str
    version: str
    build: str
    python: tuple[str, ...]
    abi: tuple[str, ...]
    platform: tuple[str, ...]


@record
class Native:
    """A native library in a wheel, sizes in bytes; ``plain`` is its name before auditwheel or delvewheel put a hash into it."""

    path: str
    size: int
    packed: int
    crc: int
    plain: str = ""


@record
class Wheel:
    """A wheel, by its file name, WHEEL, METADATA and list of members. None or empty: it does not say."""

    name: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    """``cp313-cp313-manylinux_2_28_x86_64``, as WHEEL lists them, else as the file name does."""
    build: str = ""
    generator: str = ""
    pure: bool | None = None
    """``Root-Is-Purelib``."""
    requires_python: str = ""
    requires: tuple[str, ...] = ()
    """``Requires-Dist`` lines."""
    pins: tuple[tuple[str, str], ...] = ()
    """(normalised name, version) of those that ask for one exact version, without those of extras."""
    members: int = 0
    unpacked: int = 0
    """Bytes of all members."""
    natives: tuple[Native, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    """(path, text) of ``TORCH_TEXTS``."""
    warnings: tuple[str, ...] = ()

    def text(self, path: str) -> str:
        """A text that was read; "" where the wheel has none."""
        return dict(self.texts).get(path, "")


def filename(name: str) -> Filename | None:
    """The parts of ``torch-2.15.0-cp313-cp313-manylinux_2_28_x86_64.whl``; None where it is no wheel's name."""
    found = _FILENAME.fullmatch(name)
    if not found:
        return None
    sets = (tuple(found[part].split(".")) for part in ("python", "abi", "platform"))
    return Filename(found["name"], found["version"], found["build"] or "", *sets)


def normalised(name: str) -> str:
    """A project's name as indexes spell it: lower case, runs of ``-``, ``_`` and ``.`` as one ``-``."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def plain_name(path: str) -> str:
    """``libcudart.so.11.0`` of ``torch.libs/libcudart-e409450e.so.11.0``; "" for a name without a hash."""
    found = _HASHED.fullmatch(path.rpartition("/")[2])
    return found["stem"] + found["rest"] if found else ""


def read(file: BinaryFile, size: int, name: str) -> tuple[Wheel, Archive]:
    """Read the wheel whose file is called ``name``; raise BinaryError for what is no zip file, or another kind of package."""
    archive = zipped.read(file, size)
    warnings = list(archive.warnings)
    by_name = {member.name: member for member in archive.members}
    if any(member.name.startswith("pkg-") and member.name.endswith(".tar.zst") for member in archive.members):
        raise BinaryError("a conda package: what is in it is compressed with zstd once more; unpack it and inspect the folder")
    parts = filename(name.replace("\\", "/").rpartition("/")[2])
    folder = _dist_info(by_name, parts, warnings)
    wanted = [path for path in (f"{folder}/METADATA", f"{folder}/WHEEL", *TORCH_TEXTS) if path in by_name]
    _prefetch(file, archive, [by_name[path] for path in wanted])
    texts: dict[str, str] = {}
    for path in wanted:
        limit = METADATA_LIMIT if path.endswith("/METADATA") else TEXT_LIMIT
        try:
            texts[path] = text(zipped.content(file, archive, by_name[path], limit))
        except BinaryError as error:
            warnings.append(f"{path} cannot be read: {error}")
    if not folder:
        warnings.append("no .dist-info folder in it: not a whole wheel")
    wheel = _assembled(archive, parts, headers(texts.get(f"{folder}/METADATA", "")), headers(texts.get(f"{folder}/WHEEL", "")))
    if parts and wheel.name and normalised(parts.name) != normalised(wheel.name):
        warnings.append(f"the file name says {parts.name}, METADATA says {wheel.name}")
    torch_texts = tuple((path, texts[path]) for path in TORCH_TEXTS if path in texts)
    return replace(wheel, texts=torch_texts, warnings=tuple(warnings)), archive


def from_metadata(name: str, metadata: str, warnings: tuple[str, ...]) -> Wheel:
    """What is known of a wheel from its file name and the metadata that an index keeps beside it (PEP 658)."""
    nothing = Archive((), 0, 0)
    return replace(_assembled(nothing, filename(name), headers(metadata[:METADATA_LIMIT]), []), warnings=warnings)


def headers(data: str) -> list[tuple[str, str]]:
    """Name (lower case) and value of the headers of METADATA or WHEEL, up to the empty line; continued lines are joined."""
    found: list[tuple[str, str]] = []
    for line in (ended.rstrip("\r") for ended in data.split("\n")):
        if not line:
            break
        if line[0] in " \t" and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line.strip()}")
        elif matched := _HEADER.match(line):
            found.append((matched[1].lower(), matched[2].strip()))
        if len(found) >= 10_000:
            break
    return found


def pins(requires: Sequence[str], tags: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """(normalised name, version) of the requirements for one exact version that hold where the ``tags`` say.

    Those of extras are left out, and those whose marker names another system; any other marker is taken as true.
    """
    for line in requires:
        matched = _PIN.fullmatch(line.strip())
        if matched and "extra" not in (matched["when"] or "") and not _elsewhere(matched["when"] or "", tags):
            yield normalised(matched["name"]), matched["version"]


def _elsewhere(marker: str, tags: Sequence[str]) -> bool:
    """Whether a marker without ``or`` names a system that none of the tags is for."""
    platforms = {tag.rpartition("-")[2] for tag in tags}
    if " or " in marker or not platforms or "any" in platforms:
        return False
    named = {_SYSTEMS[name.lower()] for name in _SYSTEM.findall(marker) if name.lower() in _SYSTEMS}
    return bool(named) and not any(part in platform for part in named for platform in platforms)


def objects(
    file: BinaryFile, archive: Archive, wheel: Wheel, inspect: Callable[[BinaryFile, int, str], Any]
) -> Iterator[tuple[str, Any, str]]:
    """(path, what ``inspect`` answers, "") of every native library, by path; (path, None, reason) of one that cannot be read.

    Compressed libraries are inflated as they are read; a remote file is told to keep the one at hand (``spool``).
    """
    by_name = {member.name: member for member in archive.members}
    spool = getattr(file, "spool", None)
    left = UNPACKED_LIMIT
    for native in wheel.natives:
        member = by_name[native.path]
        left -= member.size
        if left < 0:
            yield native.path, None, f"the libraries of this wheel unpack to more than {UNPACKED_LIMIT >> 30} GiB"
            continue
        try:
            if spool is not None:
                spool(member.header, zipped.extent(archive, member))
            opened = zipped.opened(file, archive, member)
            found = inspect(opened, opened.size, native.path)
            problem = opened.problem if isinstance(opened, Inflated) else ""
        except (BinaryError, OSError) as error:
            yield native.path, None, str(error)
            continue
        yield native.path, found, problem


def compare_record(file: BinaryFile, archive: Archive, hashed: bool) -> dict[str, Any]:
    """The members held against the wheel's RECORD, as ``host.installed`` does it for what is installed.

    ``unlisted`` are members that RECORD does not name; contents are compared only if ``hashed``.
    """
    found: dict[str, Any] = {"missing": [], "sizes": [], "altered": [], "refused": [], "unlisted": [], "unread": []}
    warnings: list[str] = []
    record_member = next((m for m in archive.members if m.name.endswith(".dist-info/RECORD") and m.name.count("/") == 1), None)
    if record_member is None:
        return found | {"rows": 0, "warnings": ["the wheel has no RECORD"]}
    data = zipped.content(file, archive, record_member, dist_record.LIMIT)
    rows = {row[0]: row for row in dist_record.parse(data.decode("utf-8", "replace"), warnings)}
    by_name = {member.name: member for member in archive.members}
    unhashed = tuple(f"/{name}" for name in dist_record.UNHASHED)
    found["unlisted"] = [path for path in by_name if path not in rows and not path.endswith(unhashed)]
    for path, (_, expected, size) in rows.items():
        if not dist_record.inside(path, 0):
            found["refused"].append(path)
        elif path not in by_name:
            found["missing"].append(path)
        elif size is not None and by_name[path].size != size:
            found["sizes"].append([path, by_name[path].size, size])
        elif hashed and expected:
            try:
                if _digest(zipped.opened(file, archive, by_name[path]), expected.partition("=")[0]) not in {"", expected}:
                    found["altered"].append(path)
            except BinaryError as error:
                found["unread"].append([path, str(error)])
    return found | {"rows": len(rows), "warnings": warnings}


def _dist_info(by_name: dict[str, Member], parts: Filename | None, warnings: list[str]) -> str:
    folders = sorted({folder for path in by_name if (folder := path.partition("/")[0]).endswith(".dist-info") and "/" in path})
    if len(folders) > 1:
        warnings.append(f"{len(folders)} .dist-info folders in it: a wheel has one")
    named = [f for f in folders if parts and normalised(f.partition("-")[0]) == normalised(parts.name)]
    return next(iter(named or folders), "")


def _prefetch(file: BinaryFile, archive: Archive, members: Sequence[Member]) -> None:
    """Tell a remote file what will be read next, so that neighbours come in one request."""
    prefetch = getattr(file, "prefetch", None)
    if prefetch is not None:
        sound = [member for member in members if not member.fault and member.packed <= METADATA_LIMIT]
        prefetch([(member.header, min(zipped.extent(archive, member), member.packed + _SLACK)) for member in sound])


def _assembled(archive: Archive, parts: Filename | None, metadata: list[tuple[str, str]], about: list[tuple[str, str]]) -> Wheel:
    fields, notes = dict(reversed(metadata)), dict(reversed(about))
    requires = tuple(value for key, value in metadata if key == "requires-dist")
    named = [f"{p}-{a}-{x}" for p in parts.python for a in parts.abi for x in parts.platform] if parts else []
    natives = [
        Native(m.name, m.size, m.packed, m.crc, plain_name(m.name))
        for m in archive.members
        if not m.fault and _NATIVE.search(m.name)
    ]
    tags = tuple(value for key, value in about if key == "tag") or tuple(named)
    return Wheel(
        name=fields.get("name") or (parts.name if parts else ""),
        version=fields.get("version") or (parts.version if parts else ""),
        tags=tags,
        build=notes.get("build") or (parts.build if parts else ""),
        generator=notes.get("generator", ""),
        pure={"true": True, "false": False}.get(notes.get("root-is-purelib", "").lower()),
        requires_python=fields.get("requires-python", ""),
        requires=requires,
        pins=tuple(dict.fromkeys(pins(requires, tags))),
        members=len(archive.members),
        unpacked=sum(member.size for member in archive.members),
        natives=tuple(sorted(natives, key=lambda native: native.path)),
    )


def _digest(opened: Any, algorithm: str) -> str:
    """The content's hash as RECORD writes it; "" for an algorithm that is not to be trusted or not known."""
    if algorithm not in {"sha256", "sha384", "sha512"}:
        return ""
    import base64
    import hashlib

    digest = hashlib.new(algorithm, usedforsecurity=False)
    while data := opened.read(1 << 20):
        digest.update(data)
    return f"{algorithm}=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
