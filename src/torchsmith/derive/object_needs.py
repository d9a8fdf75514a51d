"""What every object of an environment will be given for the names that it asks for.

Each object is opened in a process of its own, as in life: an extension module by the interpreter, a library by ctypes; what
needs torch's libraries, or is opened by torch itself, in a process that has imported torch. All the others are opened a
second time after torch, for there they may be given something else: what is loaded comes first.
"""

from __future__ import annotations

from torchsmith.derive.linux_loader import Map, Pool, Process, fits
from torchsmith.derive.loaded_libraries import TorchProcess, opened_by_name, pool_of
from torchsmith.derive.mixed_libraries import component_of
from torchsmith.knowledge import libraries
from torchsmith.model.facts.libraries import LoaderPaths, SharedObject
from torchsmith.model.inspection import Need
from torchsmith.model.library_needs import LibraryNeeds, MissingLibrary, ObjectFiles, ObjectNeeds, Together
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

TORCH_LIBRARIES = ("libtorch", "libc10")
_EXTENSION = pattern(r".+\.(?:cpython-\w[^/]*|abi3|pypy\w[^/]*)\.so")
_CUDA = pattern(r"lib(?:cudart|cublas|cublasLt|nvrtc|nvJitLink|cupti)(?:[-.][0-9a-f]{8,64})?\.so\.(\d{2})(?:\.\d+)*")


def object_needs(paths: LoaderPaths, files: ObjectFiles, cuda: int | None = None, system: str = "") -> LibraryNeeds:
    """The needs of all objects that this interpreter's process can load: those for another processor or system are left out.

    ``cuda`` is the CUDA major to assume where none of an object's needs tells it.
    ``system`` (debian, fedora) is the distribution whose package is named for a library that no wheel brings.
    """
    return Openings(paths, files, cuda, system).answer()


@record
class Opened:
    """An object in a process: what was loaded before it, and after it with what it opens when first used."""

    before: Process
    after: Process
    later: tuple[str, ...]


class Openings:
    """The two processes that everything begins from, and what was found so far."""

    def __init__(self, paths: LoaderPaths, files: ObjectFiles, cuda: int | None = None, system: str = "") -> None:
        self._files, self._system = files, system
        self.pool = pool_of(paths, files.libraries)
        self._cuda = cuda or _commonest_cuda(self.pool, files.objects)
        self.alone = Process(self.pool)
        self.alone.start()
        ctypes = next((path for path in files.libraries.starts if "/_ctypes." in path), "")
        self.alone.open(ctypes, self.alone.python)
        self.torch_fails: tuple[str, ...] = ()
        self.torch = self._imported() if files.torch else None
        self._preloads = {*files.libraries.preloads, *files.libraries.fallbacks}
        self._providers: dict[tuple[str, int | None], str] = {}
        self._components: dict[str, str] = {}
        self._together: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
        self._missing: dict[str, _Lost] = {}

    def answer(self) -> LibraryNeeds:
        """Open them all."""
        if self.torch:
            self._note(self.torch, "torch")
        found = (self.pool.files[path] for path in self._files.objects if path in self.pool.files)
        objects = tuple(self._object(file) for file in found if file.kind.startswith("elf-") and fits(file, self.alone.kind))
        together = tuple(Together(name, found, tuple(who)) for (name, found), who in self._together.items())
        return LibraryNeeds(objects, tuple(map(self._lost, self._missing.values())), together, self.torch_fails, self.pool.musl)

    def _imported(self) -> Process | None:
        process = TorchProcess(self.pool, self._files.libraries).load()
        self.torch_fails = tuple(name for name, (path, _) in process.answers.items() if not path)
        return None if self.torch_fails else process

    def _object(self, file: SharedObject) -> ObjectNeeds:
        path, torch = file.path, self.torch
        own = torch is not None and (torch.holds(file) is not None or any(n.startswith(TORCH_LIBRARIES) for n in file.needed))
        opened = self.open(file, torch if torch and own else self.alone)
        cuda = _cuda_of(file.needed) or self._cuda
        asked = dict.fromkeys((*file.needed, *opened.later))
        needs = [self._need(name, file, opened, cuda, optional=name not in file.needed) for name in asked]
        if torch and not own:
            after = self.open(file, torch).after
            needs = [_after(need, after.answer(need.name)[0]) for need in needs]
            self._note(after, path)
        self._note(opened.after, path)
        missing = [(name, tuple(who)) for name, who in opened.after.needed_by.items() if not opened.after.answer(name)[0]]
        later = {need.name: need.after_torch for need in needs}
        for name, askers in missing:
            lost = self._missing.setdefault(name, _Lost(name, cuda))
            lost.askers.update(dict.fromkeys(askers))
            if name not in opened.later:
                lost.stops[path] = None
            lost.after_torch = lost.after_torch or later.get(name, "")
        return ObjectNeeds(path, tuple(needs), own, tuple(missing))

    def caller(self, file: SharedObject, process: Process) -> Map | None:
        """Who opens such a file: the interpreter an extension module, ctypes all else."""
        return process.python if _EXTENSION.fullmatch(file.name) else process.ctypes

    def open(self, file: SharedObject, before: Process) -> Opened:
        """The object opened in a process like that one."""
        after = before.copy()
        opened = after.open(file.path, self.caller(file, after))
        later: list[str] = []
        if opened:
            for names, opener in opened_by_name(opened.file, self.pool.files.values()):
                after.need(names, after.known.get(opener, opened))
                later += names
        return Opened(before, after, tuple(later))

    def _need(self, name: str, file: SharedObject, opened: Opened, cuda: int | None, *, optional: bool) -> Need:
        path, how = opened.after.answer(name)
        if path and name in opened.before.known and not opened.before.holds(file):
            how = "loaded"
        if how == "loaded" and path in self._preloads:
            how = "preload"
        provider = self._provider(name, cuda)
        if not path and not provider:
            provider = libraries.system_package(name, self._system)
        return Need(name, path, how, provider, "", self._shadowed(name, path, file, opened.after), optional)

    def _provider(self, name: str, cuda: int | None) -> str:
        if (name, cuda) not in self._providers:
            self._providers[name, cuda] = libraries.provider(name, cuda) or libraries.provider(name) or ""
        return self._providers[name, cuda]

    def _shadowed(self, name: str, path: str, file: SharedObject, process: Process) -> tuple[str, ...]:
        """Other files of that name: where the loader would have looked later, or, of a missing one, anywhere."""
        places = self.pool.named.get(name)
        if places is None or (path and len(places) < 2):
            return ()
        taken = self.pool.files.get(path)
        same = taken.identity if taken else ""
        others = [found for found in places.values() if found.path != path and not (same and found.identity == same)]
        if path and others:
            looked = {folder for folder, _ in process.order(process.holds(file))} | {
                self.pool.cached.get(name, "").rpartition("/")[0]
            }
            others = [found for found in others if found.folder in looked]
        return tuple(found.path for found in others)

    def _note(self, process: Process, who: str) -> None:
        """Remember which files of one component this process has loaded."""
        found: dict[str, list[str]] = {}
        for mapped in process.maps:
            path = mapped.file.path
            component = self._components.get(path)
            if component is None:
                component = self._components[path] = component_of(mapped.file.name)
            if component:
                found.setdefault(component, []).append(path)
        for component, paths in found.items():
            if len(paths) > 1:
                self._together.setdefault((component, tuple(sorted(paths))), {})[who] = None

    def _lost(self, lost: _Lost) -> MissingLibrary:
        package = libraries.system_library(lost.name)
        return MissingLibrary(
            name=lost.name,
            needed_by=tuple(lost.askers),
            stops=tuple(lost.stops),
            pip=libraries.provider(lost.name, lost.cuda)
            or libraries.provider(lost.name)
            or (package.pip_package if package else ""),
            debian=package.debian if package else "",
            fedora=package.fedora if package else "",
            note=package.note if package else "",
            elsewhere=tuple(found.path for found in self.pool.named.get(lost.name, {}).values()),
            after_torch=lost.after_torch,
            later=not lost.stops,
        )


class _Lost:
    """A name that nothing answers, and who asked for it."""

    def __init__(self, name: str, cuda: int | None) -> None:
        self.name, self.cuda = name, cuda
        self.askers: dict[str, None] = {}
        self.stops: dict[str, None] = {}
        self.after_torch = ""


def _after(need: Need, path: str) -> Need:
    """The need, with what answers it after torch where that is another file."""
    return replace(need, after_torch=path) if path not in {"", need.found} else need


def _cuda_of(names: Iterable[str]) -> int | None:
    """The CUDA major that the names of its needs tell."""
    return next((int(matched[1]) for name in names if (matched := _CUDA.fullmatch(name))), None)


def _commonest_cuda(pool: Pool, objects: Iterable[str]) -> int | None:
    """The CUDA major that most of the objects are for."""
    found = [major for path in objects if path in pool.files and (major := _cuda_of(pool.files[path].needed))]
    return max(sorted(set(found)), key=found.count, default=None)
