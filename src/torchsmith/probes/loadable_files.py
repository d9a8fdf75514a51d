"""Every file that the loader could answer a need with. Who wins is not asked here: that is a derivation's work.

From some libraries the names that they need are followed through all folders in which a loader could look; each file of such
a name is described once. A simulation then has all it may meet, and what is passed over too.
"""

from __future__ import annotations

from torchsmith.host.base import NO_FILE, Host
from torchsmith.model.facts.libraries import CUDNN_PARTS, LoaderPaths, SharedObject
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.paths import joined, normal
from torchsmith.model.pattern import pattern
from torchsmith.probes.loader_paths import expanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# glibc's own libraries and GCC's: one of each is in every process before torch, and nothing of torch's reads more of them than
# that they are there. Describing them would be a fifth of the work.
SYSTEM = frozenset(
    ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libgcc_s.so.1", "libresolv.so.2")
)
CUDNN = pattern(r"libcudnn\.so\.(\d+)")
NVRTC = pattern(r"libnvrtc\.so\.[\d.]+")
CACHE = "/etc/ld.so.cache"


class Collector:
    """The files found so far, and the two lists that grow together: names that are needed, folders to look into."""

    def __init__(self, host: Host, paths: LoaderPaths, most: int, whole: Callable[[str], bool] | None = None) -> None:
        """``most`` files are described; of those that are ``whole`` the symbol versions are read too."""
        self._host, self.paths, self._most, self._whole = host, paths, most, whole
        self.objects: dict[str, SharedObject] = {}
        self.unread: dict[str, bool] = {}
        """Files that could not be read: whether they are there."""
        self.names: dict[str, None] = {}
        self.folders: dict[str, frozenset[str]] = {}
        self._where: dict[str, list[str]] = {}
        self._real: dict[str, str] = {}
        self._above: dict[str, str] = {}
        self._system: set[str] = set()
        self._kind = ""
        self._subs = paths.hwcaps
        cache = host.binary("ld-cache", CACHE)
        self._cache: dict[str, str] = cache.value if isinstance(cache, Known) else {}
        self.answered: dict[str, str] = {}
        self._lib = _lib(self._cache.get("libc.so.6", ""))
        self._default: tuple[str, ...] | None = None

    def follow(self, paths: Iterable[str]) -> None:
        """Describe these files, and every file of a name that one of them needs."""
        for path in paths:
            self._describe(normal(path))

    def follow_names(self, names: Iterable[str]) -> None:
        """Describe every file that these names could be answered with."""
        self.follow(self._answers(names))

    def follow_opened(self) -> None:
        """What cuDNN and NVRTC open by name when they are first used; no header tells of it."""
        for known in list(self.objects.values()):
            if matched := CUDNN.fullmatch(known.name):
                listed = self.folders.get(known.folder, ()) or self._names(known.folder)
                beside = {n for n in listed if n.startswith("libcudnn_") and n.endswith(f".{matched[1]}")}
                parts = {f"libcudnn_{part}.so.{matched[1]}" for part in CUDNN_PARTS.get(int(matched[1]), ())}
                self.follow_names(sorted(beside | parts))
            elif NVRTC.fullmatch(known.name):
                listed = self.folders.get(known.folder, ()) or self._names(known.folder)
                self.follow_names(sorted(n for n in listed if n.startswith("libnvrtc-builtins.so.")))

    def look_into(self, folder: str) -> bool:
        """List a folder once; False where there is nothing to list."""
        if folder not in self.folders:
            names = self._names(folder)
            self.folders[folder] = found = frozenset(name for name in names if ".so" in name)
            for name in found:
                self._where.setdefault(name, []).append(folder)
            inside = set(names)
            for sub in self._subs:
                if sub.partition("/")[0] in inside:
                    self.look_into(f"{folder}/{sub}")
        return bool(self.folders[folder])

    @property
    def cache(self) -> tuple[tuple[str, str], ...]:
        """What ld.so.cache answers the names that were asked for with."""
        return tuple((name, path) for name, path in self.answered.items() if path)

    def _names(self, folder: str) -> list[str]:
        answer = self._host.names(folder)
        return answer.value if isinstance(answer, Known) else []

    def _describe(self, path: str) -> None:
        waiting = [path]
        while waiting and len(self.objects) < self._most:
            at = waiting.pop()
            if at in self.objects or at in self.unread:
                continue
            if at in self._system:
                self.objects[at] = SharedObject(at, self._kind)
                continue
            answer = self._read(at)
            if isinstance(answer, Unknown):
                self.unread[at] = answer.reason != NO_FILE
                continue
            found = self.objects[at] = self._parsed(at, answer.value)
            if not found.kind.startswith("elf"):
                continue  # nothing on Linux loads it
            if not self._kind:
                self._kind = found.kind
                self.paths = self.paths.under(found.interpreter)
            waiting += self._answers(found.needed + found.auxiliary)
            for folder in (*(found.rpath or ()), *(found.runpath or ())):
                if folder not in self.folders:
                    waiting += self._new(folder)

    def _new(self, folder: str) -> list[str]:
        """What a folder, now looked into, has of the names that were asked for before."""
        before = len(self.folders)
        self.look_into(folder)
        added = list(self.folders)[before:]
        return [f"{at}/{name}" for at in added for name in self.folders[at] if name in self.names]

    def _read(self, path: str) -> Fact[dict[str, Any]]:
        # symbol versions cost more than all the rest; they matter for torch's own files and for what offers them
        if self._whole is None or not self._whole(path):
            answer = self._host.binary("loading", path)
            if isinstance(answer, Known) or self._whole is None:
                return answer
        return self._host.binary("shared", path)

    def _answers(self, names: Iterable[str]) -> list[str]:
        """Every file that a loader could take for names that were not asked for yet."""
        found = []
        for name in names:
            if name in self.names:
                continue
            if "/" in name:
                found.append(joined(self.paths.cwd, name))
                continue
            self.names[name] = None
            found += [f"{folder}/{name}" for folder in self._where.get(name, ())]
            self.answered[name] = cached = self._cache.get(name, "")
            if cached and name in SYSTEM:
                self._system.add(cached)
            for sub in self._subs:
                if better := self._cache.get(f"{sub}/{name}", ""):
                    self.answered[f"{sub}/{name}"] = better
                    found.append(better)
            found += [cached] if cached else [p for f in self._default_folders() if self._host.exists(p := f"{f}/{name}")]
        return found

    def _default_folders(self) -> tuple[str, ...]:
        """The system's folders, with those of their sub-folders that there are."""
        if self._default is None:
            found: list[str] = []
            firsts = dict.fromkeys(sub.partition("/")[0] for sub in self._subs)
            for folder in self.paths.default:
                there = {first for first in firsts if self._host.exists(f"{folder}/{first}")}
                found += [f"{folder}/{sub}" for sub in self._subs if sub.partition("/")[0] in there]
                found.append(folder)
            self._default = tuple(found)
        return self._default

    def _parsed(self, path: str, answer: dict[str, Any]) -> SharedObject:
        return parse(path, answer, self.paths.cwd, self._lib, self.paths.platform, self._folder)

    def _folder(self, path: str) -> str:
        """``path`` without ``..``: above a folder that is a link lies another one than its name says."""
        if "/.." not in path:
            return normal(path)
        if path not in self._above:
            self._above[path] = self._upward(path)
        return self._above[path]

    def _upward(self, path: str) -> str:
        at = ""
        for part in path.split("/"):
            if part == "..":
                above, _, last = at.rpartition("/")
                real = self._resolved(at)
                linked = real and real != f"{self._resolved(above)}/{last}"
                at = real.rpartition("/")[0] if linked else above
            elif part not in {"", "."}:
                at = f"{at}/{part}"
        return at or "/"

    def _resolved(self, folder: str) -> str:
        if folder not in self._real:
            answer = self._host.real(folder or "/")
            self._real[folder] = answer.value.rstrip("/") if isinstance(answer, Known) else ""
        return self._real[folder]


def parse(
    path: str,
    answer: dict[str, Any],
    cwd: str,
    lib: str = "",
    platform: str = "",
    plain: Callable[[str], str] = normal,
) -> SharedObject:
    """A library of the reader's answer, its variables filled in; ``plain`` makes a path one without ``..``."""
    origin = path.rpartition("/")[0]
    needed = answer.get("needed") or ()
    runpath = folders(answer.get("runpath"), origin, cwd, lib, platform, plain)
    return SharedObject(
        path=path,
        kind=f"{answer.get('format', '')}-{answer.get('machine', '')}",
        soname=answer.get("soname") or "",
        needed=tuple(expanded(name, origin, lib, platform) if "$" in name else name for name in needed),
        rpath=None if runpath is not None else folders(answer.get("rpath"), origin, cwd, lib, platform, plain),
        runpath=runpath,
        glibc=answer.get("glibc"),
        glibcxx=answer.get("glibcxx"),
        has_glibcxx=answer.get("has_glibcxx"),
        version=answer.get("file_version"),
        identity=answer.get("identity") or "",
        interpreter=answer.get("interpreter") or "",
        no_default=bool(answer.get("no_default")),
        auxiliary=tuple(answer.get("auxiliary") or ()),
    )


def folders(
    text: str | None, origin: str, cwd: str, lib: str = "", platform: str = "", plain: Callable[[str], str] = normal
) -> tuple[str, ...] | None:
    """The folders of a RPATH or RUNPATH: ``$ORIGIN`` is the file's own folder, an empty entry the current one."""
    if text is None:
        return None
    entries = (expanded(entry, origin, lib, platform) if "$" in entry else entry for entry in text.split(":"))
    return tuple(dict.fromkeys(plain(entry if entry.startswith("/") else f"{cwd}/{entry or '.'}") for entry in entries))


def _lib(libc: str) -> str:
    """``$LIB``, which is built into the loader: the folder in which the C library lies, below / or /usr."""
    return libc.rpartition("/")[0].removeprefix("/usr").removeprefix("/")
