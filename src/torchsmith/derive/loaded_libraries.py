"""What the loader will take for every name that torch's libraries ask for: ld.so, and Windows' LoadLibraryEx, simulated.

Nothing is looked up here: ``torch_libraries`` holds every file that could be met.
"""

from __future__ import annotations

from torchsmith.derive.linux_loader import Map, Pool, Process
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCE = "simulated loader"


@derivation
def loaded_libraries(machine: Machine, loader_paths: LoaderPaths, torch_libraries: TorchLibraries) -> Known[LoadedLibraries]:
    """The loading of ``import torch``, then of what torch opens when it is first used."""
    if machine.os == "windows":
        from torchsmith.derive.windows_loader import load

        return Known(load(loader_paths, torch_libraries), SOURCE)
    process = TorchProcess(pool_of(loader_paths, torch_libraries), torch_libraries)
    return Known(LoadedLibraries(tuple(process.run())), SOURCE)


class TorchProcess:
    """The process of an interpreter that imports torch."""

    def __init__(self, pool: Pool, libraries: TorchLibraries) -> None:
        self._libraries = libraries
        self.process = Process(pool)
        self._files = pool.files

    def run(self) -> Iterable[Loaded]:
        """Import torch, then open what torch opens when it is first used; an answer for each name."""
        self.load()
        process = self.process
        asked_at_import = set(process.answers)
        for path in self._libraries.later:
            process.open(path, process.known.get("libtorch_cuda.so"))
        self._open_parts()
        later = set(process.answers) - asked_at_import
        return [self._loaded(name, later=name in later) for name in process.answers]

    def load(self) -> Process:
        """The process once torch is imported."""
        process = self.process
        process.start()
        program = process.pool.program.path if process.pool.program else ""
        opener = process.main
        for path in self._libraries.starts:
            if path == program or path not in self._files:
                continue
            if path.endswith("/libtorch_global_deps.so"):
                self._global_deps(path, opener)
            else:
                mapped = process.open(path, process.python)
                opener = mapped if "/_ctypes." in path and mapped else opener
        return process

    def _global_deps(self, path: str, opener: Map | None) -> None:
        """``torch/__init__``: its first library; where that fails, NVIDIA's libraries one by one and then again."""
        process = self.process
        before = process.copy()
        process.open(path, opener)
        stems = {p.rpartition("/")[2].partition(".so")[0] for p in self._libraries.fallbacks}
        if any(name.partition(".so")[0] in stems for name in _lost(process, before)):
            process.restore(before)
            for extra in self._libraries.fallbacks:
                process.open(extra, opener)
            process.open(path, opener)
        if lost := _lost(process, before):
            process.restore(before)  # import ends here; what the rest would miss is still worth knowing
            process.answers |= lost
        wanted = self._libraries.preload_if
        if wanted and any(wanted in mapped.file.path for mapped in process.maps):
            for extra in self._libraries.preloads:
                process.open(extra, opener)

    def _open_parts(self) -> None:
        """Open what is opened by name: the parts of cuDNN, the builtins of NVRTC."""
        process = self.process
        for mapped in [found for found in process.maps if found.file.kind]:
            for names, opener in opened_by_name(mapped.file, self._files.values()):
                process.need(names, process.known.get(opener, mapped))

    def _loaded(self, name: str, *, later: bool) -> Loaded:
        process, libraries = self.process, self._libraries
        path, how = process.answers[name]
        if how == "loaded":  # loaded by its path before: by torch itself, or as the answer to another name
            how = "preload" if path in {*libraries.preloads, *libraries.fallbacks} else how
        last = name.rpartition("/")[2]
        askers = tuple(process.needed_by.get(name, ()))
        folders = {*process.pool.paths.library_path, *libraries.nvidia_folders}
        for asker in askers:
            folders.update(self._files[asker].runpath or ())
            folders.update(self._files[asker].rpath or ())
        others = [f.path for f in self._files.values() if f.name == last and f.path != path and f.folder in folders]
        return Loaded(name, path, how, askers, later, tuple(others))


def pool_of(paths: LoaderPaths, libraries: TorchLibraries) -> Pool:
    """All that loading can meet; the first of the starts that is no library is the program."""
    there = {*libraries.unread, *(found.path for found in libraries.objects)}
    named = ((path, path.rpartition("/")[2]) for path in libraries.starts if path in there)
    program = next((path for path, name in named if "/lib/libtorch_" not in path and ".so" not in name), "")
    pool = Pool(libraries.objects, libraries.unread, paths, program)
    pool.know(libraries.cache)
    return pool


def opened_by_name(file: SharedObject, files: Iterable[SharedObject]) -> list[tuple[list[str], str]]:
    """What a library opens when it is first used, which no header tells: (names, the library that opens them)."""
    name = file.name
    if name.startswith("libcudnn.so."):
        major = name.rpartition(".")[2]
        core = [f"libcudnn_{part}.so.{major}" for part in CUDNN_PARTS.get(int(major) if major.isdigit() else 0, ())]
        beside = [f.name for f in files if f.folder == file.folder]
        own = [n for n in beside if n.startswith("libcudnn_") and n.endswith(f".so.{major}")]
        parts = list(dict.fromkeys((*core, *own)))
        engines = [n for n in parts if n.startswith(CUDNN_OPENED_BY_GRAPH)]
        return [([n for n in parts if n not in engines], name), (engines, f"libcudnn_graph.so.{major}")]
    if name.startswith("libnvrtc.so."):
        return [([f.name for f in files if f.folder == file.folder and f.name.startswith("libnvrtc-builtins.so.")], name)]
    return []


def _lost(process: Process, before: Process) -> dict[str, tuple[str, str]]:
    """What nothing answered since then."""
    return {name: answer for name, answer in process.answers.items() if not answer[0] and name not in before.answers}
