"""What the loader will take for every name that torch's libraries ask for: ld.so, and Windows' LoadLibraryEx, simulated.

Nothing is looked up here: ``torch_libraries`` holds every file that could be met. The Linux order (ld.so(8), glibc's
elf/dl-load.c): what is loaded already under that name; unless the asking file has a RUNPATH, its RPATH, that of the file
which loaded it and so on up to the executable; LD_LIBRARY_PATH; the RUNPATH of the asking file only; ld.so.cache; the
system's folders. Files for another processor are passed over.
"""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model.facts.libraries import (
    CUDNN_OPENED_BY_GRAPH,
    CUDNN_PARTS,
    Loaded,
    LoadedLibraries,
    LoaderPaths,
    SharedObject,
    TorchLibraries,
)
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Known
from torchsmith.model.paths import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCE = "simulated loader"
_ALWAYS_LOADED = ("ld-linux", "ld64.so", "linux-vdso", "ld-musl")


@derivation
def loaded_libraries(machine: Machine, loader_paths: LoaderPaths, torch_libraries: TorchLibraries) -> Known[LoadedLibraries]:
    """The loading of ``import torch``, then of what torch opens when it is first used."""
    if machine.os == "windows":
        from torchsmith.derive.windows_loader import load

        return Known(load(loader_paths, torch_libraries), SOURCE)
    return Known(LoadedLibraries(tuple(_Process(loader_paths, torch_libraries).run())), SOURCE)


class _Map:
    """A file in the process: the file, the one that loaded it, and the names it answers to."""

    __slots__ = ("file", "loader", "names")

    def __init__(self, file: SharedObject, loader: _Map | None, name: str) -> None:
        self.file, self.loader = file, loader
        self.names = {name, file.path, file.soname} - {""}


class _Process:
    """One process: its maps, and an answer for each name that was asked for."""

    def __init__(self, paths: LoaderPaths, libraries: TorchLibraries) -> None:
        self._paths, self._libraries = paths, libraries
        # a file that is there and cannot be read is no missing one: what it needs is not known, that is all
        self._files = {path: SharedObject(path, "") for path in libraries.unread}
        self._files |= {found.path: found for found in libraries.objects}
        self._cache = dict(libraries.cache)
        self._maps: list[_Map] = []
        self._known: dict[str, _Map] = {}
        self._answers: dict[str, tuple[str, str]] = {}
        self._needed_by: dict[str, dict[str, None]] = {}
        self._later: set[str] = set()
        self._kind = ""

    def run(self) -> Iterable[Loaded]:
        starts = [path for path in self._libraries.starts if path in self._files]
        program = next((path for path in starts if "/lib/libtorch_" not in path and ".so" not in path.rpartition("/")[2]), "")
        self._start(program)
        opener = self._maps[0] if self._maps else None
        for path in starts:
            if path == program:
                continue
            if path.endswith("/libtorch_global_deps.so"):
                self._global_deps(path, opener)
            else:
                mapped = self._open(path, self._maps[0] if self._maps else None)
                opener = mapped if "/_ctypes." in path and mapped else opener
        asked_at_import = set(self._answers)
        for path in self._libraries.later:
            self._open(path, self._known.get("libtorch_cuda.so"))
        self._open_parts()
        self._later = set(self._answers) - asked_at_import
        return [self._loaded(name) for name in self._answers]

    def _start(self, program: str) -> None:
        """The executable and what LD_PRELOAD names are there before anything is asked for."""
        if program:
            file = self._files[program]
            self._kind = file.kind
            self._add(file, None, file.path)
        for name in self._paths.preload:
            if "/" in name or self._maps:
                self._find(name, self._maps[0] if self._maps else None)
        self._complete(list(self._maps))

    def _global_deps(self, path: str, opener: _Map | None) -> None:
        """``torch/__init__``: its first library; where that fails, NVIDIA's libraries one by one and then again."""
        before = len(self._maps)
        answers = dict(self._answers)
        self._open(path, opener)
        failed = [name for name, (found, _) in self._answers.items() if not found and name not in answers]
        stems = {p.rpartition("/")[2].partition(".so")[0] for p in self._libraries.fallbacks}
        if failed and any(name.partition(".so")[0] in stems for name in failed):
            self._forget(before, answers)
            for extra in self._libraries.fallbacks:
                self._open(extra, opener)
            self._open(path, opener)
        if lost := {name: answer for name, answer in self._answers.items() if not answer[0] and name not in answers}:
            self._forget(before, answers | lost)  # import ends here; what the rest would miss is still worth knowing
        wanted = self._libraries.preload_if
        if wanted and any(wanted in mapped.file.path for mapped in self._maps):
            for extra in self._libraries.preloads:
                self._open(extra, opener)

    def _forget(self, count: int, answers: dict[str, tuple[str, str]]) -> None:
        """A dlopen that fails leaves nothing behind."""
        del self._maps[count:]
        self._answers = answers
        self._known = {name: mapped for mapped in reversed(self._maps) for name in mapped.names}

    def _open(self, path: str, caller: _Map | None) -> _Map | None:
        """``dlopen``: the file, then what it needs, in breadth."""
        known = self._known.get(path)
        if known is not None or path not in self._files:
            return known
        mapped = self._add(self._files[path], caller, path)
        self._complete([mapped])
        return mapped

    def _open_parts(self) -> None:
        """Open what is opened by name: the parts of cuDNN, the builtins of NVRTC."""
        for mapped in [found for found in self._maps if found.file.kind]:
            name, folder = mapped.file.name, mapped.file.folder
            beside = [f.name for f in self._files.values() if f.folder == folder]
            if name.startswith("libcudnn.so."):
                major = name.rpartition(".")[2]
                core = [f"libcudnn_{part}.so.{major}" for part in CUDNN_PARTS.get(int(major) if major.isdigit() else 0, ())]
                own = [n for n in beside if n.startswith("libcudnn_") and n.endswith(f".so.{major}")]
                engines = [n for n in dict.fromkeys((*core, *own)) if n.startswith(CUDNN_OPENED_BY_GRAPH)]
                self._need((n for n in dict.fromkeys((*core, *own)) if n not in engines), mapped)
                self._need(engines, self._known.get(f"libcudnn_graph.so.{major}", mapped))
            elif name.startswith("libnvrtc.so."):
                self._need([n for n in beside if n.startswith("libnvrtc-builtins.so.")], mapped)

    def _need(self, names: Iterable[str], caller: _Map) -> None:
        for name in names:
            if (new := self._find(name, caller)) is not None:
                self._complete([new])

    def _complete(self, queue: list[_Map]) -> None:
        for mapped in queue:  # grows while it is walked: breadth first, as the loader goes
            for name in mapped.file.needed:
                new = self._find(name, mapped)
                if new is not None:
                    queue.append(new)

    def _find(self, name: str, asker: _Map | None) -> _Map | None:
        """Answer ``name``; the map that is new by that, if any."""
        if asker is not None:
            self._needed_by.setdefault(name, {})[asker.file.path] = None
        if name in self._known:
            self._answers.setdefault(name, (self._known[name].file.path, "loaded"))
            return None
        if name in self._answers:
            return None
        if name.startswith(_ALWAYS_LOADED):
            return None
        path, how = self._search(name, asker)
        self._answers[name] = (path, how)
        if not path:
            return None
        if path in self._known:  # the same file under another name
            self._known[name] = self._known[path]
            return None
        return self._add(self._files[path], asker, name)

    def _search(self, name: str, asker: _Map | None) -> tuple[str, str]:
        if "/" in name:
            path = joined(self._paths.cwd, name)
            return (path, "path") if path in self._files else ("", "")
        for folder, how in self._order(asker):
            path = f"{folder}/{name}"
            if path in self._files and self._fits(path):
                return path, how
        cached = self._cache.get(name, "")
        if cached in self._files and self._fits(cached):
            return cached, "ld.so.cache"
        for folder in self._paths.default:
            path = f"{folder}/{name}"
            if path in self._files and self._fits(path):
                return path, "default"
        return "", ""

    def _order(self, asker: _Map | None) -> Iterable[tuple[str, str]]:
        runpath = asker.file.runpath if asker else None
        if runpath is None:
            seen: list[_Map] = []
            mapped = asker
            while mapped is not None and mapped not in seen:
                seen.append(mapped)
                yield from ((folder, "RPATH") for folder in mapped.file.rpath or ())
                mapped = mapped.loader
            if self._maps and self._maps[0] not in seen:
                yield from ((folder, "RPATH") for folder in self._maps[0].file.rpath or ())
        yield from ((folder, "LD_LIBRARY_PATH") for folder in self._paths.library_path)
        yield from ((folder, "RUNPATH") for folder in runpath or ())

    def _fits(self, path: str) -> bool:
        return not self._kind or self._files[path].kind in {self._kind, ""}

    def _add(self, file: SharedObject, loader: _Map | None, name: str) -> _Map:
        mapped = _Map(file, loader, name)
        self._maps.append(mapped)
        for known in mapped.names:
            self._known.setdefault(known, mapped)
        return mapped

    def _loaded(self, name: str) -> Loaded:
        path, how = self._answers[name]
        if how == "loaded":  # loaded by its path before: by torch itself, or as the answer to another name
            how = "preload" if path in {*self._libraries.preloads, *self._libraries.fallbacks} else how
        last = name.rpartition("/")[2]
        folders = {*self._paths.library_path, *self._libraries.nvidia_folders}
        for asker in self._needed_by.get(name, ()):
            folders.update(self._files[asker].runpath or ())
            folders.update(self._files[asker].rpath or ())
        others = [f.path for f in self._files.values() if f.name == last and f.path != path and f.folder in folders]
        return Loaded(name, path, how, tuple(self._needed_by.get(name, ())), name in self._later, tuple(others))
