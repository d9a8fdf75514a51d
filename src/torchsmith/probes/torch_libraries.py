"""Every file that the loader could answer torch's needs with. Who wins is not asked here: that is a derivation's work.

From torch's own libraries the names that they need are followed through all folders in which a loader could look; each
file of such a name is described once. The simulation then has all it may meet, and what is passed over too.
"""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.libraries import CUDNN_PARTS, LoaderPaths, SharedObject, TorchLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.paths import joined, normal
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# glibc's own libraries and GCC's: one of each is in every process before torch, and nothing of torch's reads more of them than
# that they are there. Describing them would be a fifth of the work.
SYSTEM = frozenset(
    ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libgcc_s.so.1", "libresolv.so.2")
)
LATER = ("libtorch_cuda_linalg.so", "libcaffe2_nvrtc.so")
CUDNN = pattern(r"libcudnn\.so\.(\d+)")
NVRTC = pattern(r"libnvrtc\.so\.[\d.]+")
_PRELOAD = pattern(r"""["'](\w+)["']\s*[,:]\s*["'](lib\w+(?:-\w+)?\.so)\.\*\[0-9\]["']""")
_CONDITION = pattern(r"""["']([\w./]+)["'] not in _maps""")
_LIMIT = 400
ABSENT = "No such file or directory"  # a link that leads nowhere; all else is a file that could not be read


@probe
def torch_libraries(
    host: Host, machine: Machine, interpreter: Interpreter, torch: Torch, loader_paths: LoaderPaths
) -> Fact[TorchLibraries | None]:
    """Follow what torch's libraries need."""
    if machine.os == "windows":
        from torchsmith.probes.torch_dlls import collect

        return collect(host, interpreter, torch, loader_paths)
    return _Collector(host, interpreter, torch, loader_paths).collect()


class _Collector:
    """The files found so far, and the two lists that grow together: names that are needed, folders to look into."""

    def __init__(self, host: Host, interpreter: Interpreter, torch: Torch, paths: LoaderPaths) -> None:
        self._host, self._interpreter, self._torch, self._paths = host, interpreter, torch, paths
        self._objects: dict[str, SharedObject] = {}
        self._unread: dict[str, bool] = {}
        self._names: dict[str, None] = {}
        self._folders: dict[str, frozenset[str]] = {}
        self._cache: dict[str, str] = {}
        self._answered: dict[str, str] = {}
        self._system: set[str] = set()
        self._kind = ""

    def collect(self) -> Fact[TorchLibraries | None]:
        lib = normal(f"{self._torch.folder}/lib")
        if not self._look_into(lib):
            return Unknown("torch has no folder of libraries that can be read", (lib,))
        cache = self._host.binary("ld-cache", "/etc/ld.so.cache")
        self._cache = cache.value if isinstance(cache, Known) else {}
        starts = [*self._interpreter_files(), *self._torch_files(lib)]
        preloads, condition, fallbacks = self._torch_opens()
        for folder in self._paths.library_path:
            self._look_into(folder)
        waiting = [*self._paths.preload, *starts, *preloads, *fallbacks]
        self._follow([path for path in waiting if "/" in path])
        later = [f"{lib}/{name}" for name in LATER if name in self._folders[lib]]
        self._follow(later)
        self._follow_opened()
        return Known(
            TorchLibraries(
                objects=tuple(self._objects.values()),
                starts=tuple(path for path in starts if path in self._objects),
                later=tuple(path for path in later if path in self._objects),
                preloads=tuple(preloads),
                preload_if=condition,
                fallbacks=tuple(fallbacks),
                cache=tuple((name, path) for name, path in self._answered.items() if path),
                nvidia_folders=tuple(folder for folder in self._folders if "/nvidia/" in folder and folder.endswith("/lib")),
                beside=tuple(self._beside()),
                unread=tuple(path for path, there in self._unread.items() if there),
            ),
            f"{lib}, the folders of the loader",
        )

    def _interpreter_files(self) -> list[str]:
        """The executable by its real path, which is what ``$ORIGIN`` means to it, and ctypes, which opens libraries for torch."""
        real = self._host.real(self._interpreter.executable)
        found = [real.value if isinstance(real, Known) else self._interpreter.executable]
        folder = f"{self._interpreter.stdlib}/lib-dynload"
        names = self._host.names(folder)
        listed = names.value if isinstance(names, Known) else []
        return found + [f"{folder}/{name}" for name in listed if name.startswith("_ctypes.")][:1]

    def _torch_files(self, lib: str) -> list[str]:
        names = self._host.names(self._torch.folder)
        modules = [n for n in (names.value if isinstance(names, Known) else []) if n.startswith("_C.") and n.endswith(".so")]
        tag = self._interpreter.cache_tag
        own = [name for name in modules if tag and f"_C.{tag}-" in name] or modules[:1]
        return [f"{lib}/libtorch_global_deps.so", *(f"{normal(self._torch.folder)}/{name}" for name in own[:1])]

    def _torch_opens(self) -> tuple[list[str], str, list[str]]:
        """What ``torch/__init__.py`` opens from the NVIDIA wheels: always, on which condition, and as a fallback."""
        if self._torch.kind != "cuda":
            return [], "", []
        always, condition, fallback = parse_preloads(text_of(self._host.read(f"{self._torch.folder}/__init__.py", 1 << 18)))
        places = self._wheel_folders()
        return self._resolved(always, places), condition, self._resolved(fallback, places)

    def _wheel_folders(self) -> list[tuple[str, dict[str, str]]]:
        """For each entry of the search path that has them: wheel name -> its library folder."""
        found = []
        for entry in self._interpreter.search_path:
            root = normal(f"{entry}/nvidia")
            names = self._host.names(root)
            if isinstance(names, Known):
                lib = {name: f"{root}/{name}/lib" for name in names.value if not name.startswith(("_", "."))}
                found.append((entry, {name: folder for name, folder in lib.items() if self._look_into(folder)}))
        return found

    def _resolved(self, wanted: list[tuple[str, str]], places: list[tuple[str, dict[str, str]]]) -> list[str]:
        major = f"cu{(self._torch.cuda or '').partition('.')[0]}"
        found = []
        for wheel, stem in wanted:
            for _, folders in places:
                candidates = [folders[name] for name in (wheel, major) if name in folders]
                hits = [
                    f"{f}/{n}"
                    for f in candidates
                    for n in sorted(self._folders[f])
                    if n.startswith(f"{stem}.") and n[-1].isdigit()
                ]
                if hits:
                    found.append(hits[0])
                    break
        return found

    def _follow(self, paths: list[str]) -> None:
        """Describe these files, and every file of a name that one of them needs."""
        for path in paths:
            self._describe(normal(path))

    def _describe(self, path: str) -> None:
        waiting = [path]
        while waiting and len(self._objects) < _LIMIT:
            at = waiting.pop()
            if at in self._objects or at in self._unread:
                continue
            if at in self._system:
                self._objects[at] = SharedObject(at, self._kind)
                continue
            # symbol versions cost more than all the rest; they matter for torch's own files and for what offers them
            whole = at.startswith(self._torch.folder) or at.endswith("/libstdc++.so.6")
            answer = self._host.binary("loading", at) if not whole else Unknown("not asked")
            if isinstance(answer, Unknown):
                answer = self._host.binary("shared", at)
            if isinstance(answer, Unknown):
                self._unread[at] = answer.reason != ABSENT
                continue
            found = self._objects[at] = parse(at, answer.value, self._paths.cwd)
            self._kind = self._kind or found.kind
            waiting += self._answers(found.needed)
            for folder in (*(found.rpath or ()), *(found.runpath or ())):
                if folder not in self._folders and self._look_into(folder):
                    waiting += [f"{folder}/{name}" for name in self._names if name in self._folders[folder]]

    def _answers(self, names: tuple[str, ...]) -> list[str]:
        """Every file that a loader could take for names that were not asked for yet."""
        found = []
        for name in names:
            if name in self._names:
                continue
            if "/" in name:
                found.append(joined(self._paths.cwd, name))
                continue
            self._names[name] = None
            found += [f"{folder}/{name}" for folder, listed in self._folders.items() if name in listed]
            self._answered[name] = cached = self._cache.get(name, "")
            if cached and name in SYSTEM:
                self._system.add(cached)
            found += [cached] if cached else [p for f in self._paths.default if self._host.exists(p := f"{f}/{name}")][:1]
        return found

    def _beside(self) -> list[str]:
        """Libraries in LD_LIBRARY_PATH that differ by the version in their name from one that torch needs."""
        stems = {name.partition(".so.")[0]: name for name in self._names if ".so." in name}
        found = []
        for folder in self._paths.library_path:
            if folder in self._paths.default:
                continue
            names = sorted(self._folders.get(folder, ()))
            found += [f"{folder}/{n}" for n in names if (wanted := stems.get(n.partition(".so.")[0])) and not _same(n, wanted)]
        return found

    def _look_into(self, folder: str) -> bool:
        """List a folder once; False where there is nothing to list."""
        if folder not in self._folders:
            answer = self._host.names(folder)
            listed = answer.value if isinstance(answer, Known) else []
            self._folders[folder] = frozenset(name for name in listed if ".so" in name)
        return bool(self._folders[folder])

    def _follow_opened(self) -> None:
        """What cuDNN and NVRTC open by name when they are first used; no header tells of it."""
        for known in list(self._objects.values()):
            if matched := CUDNN.fullmatch(known.name):
                beside = {
                    n for n in self._folders.get(known.folder, ()) if n.startswith("libcudnn_") and n.endswith(f".{matched[1]}")
                }
                parts = {f"libcudnn_{part}.so.{matched[1]}" for part in CUDNN_PARTS.get(int(matched[1]), ())}
                self._follow(self._answers(tuple(sorted(beside | parts))))
            elif NVRTC.fullmatch(known.name):
                beside = {n for n in self._folders.get(known.folder, ()) if n.startswith("libnvrtc-builtins.so.")}
                self._follow(self._answers(tuple(sorted(beside))))


def _same(name: str, wanted: str) -> bool:
    """Whether two names mean one library: ``libcublas.so.12.1.3.1`` lies behind ``libcublas.so.12``, so does ``libcublas.so``."""
    return name == wanted or name.startswith(f"{wanted}.") or wanted.startswith(f"{name}.")


def parse(path: str, answer: dict[str, Any], cwd: str) -> SharedObject:
    """A library of the reader's answer, ``$ORIGIN`` filled in."""
    origin = path.rpartition("/")[0]
    return SharedObject(
        path=path,
        kind=f"{answer.get('format', '')}-{answer.get('machine', '')}",
        soname=answer.get("soname") or "",
        needed=tuple(answer.get("needed") or ()),
        rpath=None if answer.get("runpath") is not None else folders(answer.get("rpath"), origin, cwd),
        runpath=folders(answer.get("runpath"), origin, cwd),
        glibc=answer.get("glibc"),
        glibcxx=answer.get("glibcxx"),
        has_glibcxx=answer.get("has_glibcxx"),
        version=answer.get("file_version"),
    )


def folders(text: str | None, origin: str, cwd: str) -> tuple[str, ...] | None:
    """The folders of a RPATH or RUNPATH: ``$ORIGIN`` is the file's own folder, an empty entry the current one."""
    if text is None:
        return None
    entries = (re.sub(r"\$(?:ORIGIN|\{ORIGIN\})", lambda _: origin, entry) for entry in text.split(":"))
    return tuple(dict.fromkeys(joined(cwd, entry or ".") for entry in entries))


def parse_preloads(source: str) -> tuple[list[tuple[str, str]], str, list[tuple[str, str]]]:
    """What ``torch/__init__.py`` opens itself: (wheel, library) always; the condition on that; what only as a fallback.

    Up to torch 2.5 it does so only when its first library did not load. 2.6 to 2.10 add NVRTC and nvJitLink whenever
    ``nvidia/cuda_runtime/lib/libcudart.so`` is loaded; later ones open all of them whenever any ``libcudart.so`` is.
    """
    start = source.find("def _load_global_deps")
    body = source[start : source.find("\nif ", start)] if start >= 0 else ""
    attempt, _, rescue = body.partition("except OSError as err")
    listed = _PRELOAD.findall(source[: max(start, 0)][-20_000:]) if "_preload_cuda_deps(err)" in rescue else []
    condition = _CONDITION.search(attempt)
    always = re.findall(r"""_preload_cuda_(?:deps|lib)\(\s*["'](\w+)["'],\s*["'](lib\w+\.so)\.\*\[0-9\]["']""", attempt)
    if condition and re.search(r"_preload_cuda_deps\((?:required=False)?\)", attempt):
        always = listed
    return always, condition[1] if condition else "", listed or _PRELOAD.findall(rescue)
