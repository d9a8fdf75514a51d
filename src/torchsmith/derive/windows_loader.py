r"""The Windows loader: which file answers a name, in a process that has loaded some DLLs already.

Nothing is looked up here: a ``Pool`` holds every file that could be met. The order of Windows: API sets, which are no files;
what is loaded already under that name, wherever it lies; the KnownDLLs, which only System32 has; then the folders, by the way
in which the DLL that started it all was loaded (``model/windows_process.py``). The folders of os.add_dll_directory are in no
order that Windows promises; the last one added is taken first here, as CPython of conda relies on.

Source: https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-search-order
"""

from __future__ import annotations

from torchsmith.knowledge.windows_dlls import API_SETS, is_known, system_dll
from torchsmith.model.facts.libraries import Loaded, LoadedLibraries, LoaderPaths, TorchLibraries
from torchsmith.model.record import record
from torchsmith.model.versions import at_least
from torchsmith.model.windows_process import ALTERED, BESIDE, STANDARD, Added, Answer, Dll, Start, WindowsProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RUNS = {"x86_64": ("x86_64", "arm64ec", "arm64x"), "aarch64": ("aarch64", "arm64x"), "x86": ("x86",)}
_PYTHON = ("python3", "python2", "libpypy")


class Pool:
    """Every file that could be met, by name and folder; names and folders in any case are the same."""

    def __init__(self, dlls: Iterable[Dll]) -> None:
        self.files: dict[str, Dll] = {}
        self.named: dict[str, dict[str, Dll]] = {}
        for dll in dlls:
            path = dll.path.lower()
            self.files[path] = dll
            folder, _, name = path.rpartition("/")
            self.named.setdefault(name, {})[folder] = dll


@record
class _Found:
    """What a search ended with."""

    path: str = ""
    how: str = ""
    dll: Dll | None = None
    condition: str = ""


class Loader:
    """One process: what it has loaded, and an answer for each name that was asked for.

    It goes on from where another process is ``before``: the same is loaded, nothing was asked for yet.
    """

    def __init__(self, pool: Pool, process: WindowsProcess, before: Loader | None = None) -> None:
        self._pool, self._process = pool, process
        self._system = process.system.lower()
        self._listed = None if process.listed is None else frozenset(name.lower() for name in process.listed)
        self._brings = frozenset(name.lower() for name in process.brings)
        self.loaded: dict[str, _Found] = dict(before.loaded) if before else {}
        self.opened: dict[str, None] = dict(before.opened) if before else {}
        self._answers: dict[str, _Found] = {}
        self._asked: dict[str, tuple[str, dict[str, None]]] = {}
        self._later: set[str] = set()

    def open(self, start: Start) -> bool:
        """Load a DLL with what it needs; False where something was missing, also in the second attempt: nothing stays loaded."""
        dll = self._pool.files.get(start.path.lower())
        if dll is None:
            return False
        found = self._attempt(dll, self._order(start.way, dll.folder))
        if not self._whole(found) and start.retry is not None:
            path = (*start.retry, *self._process.search)
            order = [(folder, "second attempt" if how == "PATH" else how) for folder, how in self._standard(path)]
            again = self._attempt(dll, order)
            # where both fail, what the first one found still tells where things are
            found = again if self._whole(again) else again | {low: answer for low, answer in found.items() if answer.how}
        for low, answer in found.items():
            self._answers.setdefault(low, answer)
        if self._whole(found):
            # one that is loaded by its path beside another of its name does not take that one's place
            self.loaded = found | self.loaded
            self.opened.update({answer.path: None for answer in found.values() if answer.path})
        return self._whole(found)

    def open_later(self) -> None:
        """Look for what is delay-loaded, and for what answers forwarded exports: as when their functions are called."""
        order = list(self._standard(self._process.search))
        for found in list(self._answers.values()):
            if found.dll is None:
                continue
            for name in (*found.dll.delay_needed, *found.dll.forwards):
                low = self._ask(name, found.dll)
                if low not in self._answers:
                    self._later.add(low)
                    self._answers[low] = self.loaded.get(low) or self._search(low, order)

    def paths(self) -> tuple[str, ...]:
        """The files that are loaded now, in order; API sets are none."""
        return tuple(self.opened)

    def answers(self) -> tuple[Answer, ...]:
        """An answer for every name that was asked for, in the order of asking."""
        return tuple(self._answer(low) for low in self._asked if low in self._answers)

    def _attempt(self, dll: Dll, order: list[tuple[str, str]]) -> dict[str, _Found]:
        """What answers each name on the way, what is loaded already included; the process is left as it is."""
        found = {dll.path.lower().rpartition("/")[2]: _Found(dll.path, "opened", dll)}
        waiting = [dll]
        for asker in waiting:  # grows while it is walked
            own = [(self._system, "System32")] if asker.system_only else order
            for name in asker.needed:
                low = self._ask(name, asker)
                if low in found:
                    continue
                loaded = self.loaded.get(low)
                found[low] = answer = loaded or self._search(low, own)
                if answer.dll and not loaded:
                    waiting.append(answer.dll)
        return found

    def _whole(self, found: dict[str, _Found]) -> bool:
        return all(answer.how and not self._fault(answer) for answer in found.values())

    def _ask(self, name: str, asker: Dll) -> str:
        low = as_file(name)
        self._asked.setdefault(low, (name, {}))[1][asker.path] = None
        return low

    def _search(self, low: str, order: Iterable[tuple[str, str]]) -> _Found:
        if low.startswith(API_SETS):
            return _Found("", "API set")
        if is_known(low):
            return self._in_system(low, "KnownDLLs")
        places = self._pool.named.get(low, {})
        if low == "vcruntime140.dll" or low.startswith("python3"):  # python.exe has loaded its own before anything else
            order = [(self._process.program.lower(), "program"), *order]
        for folder, how in order:
            if folder in places:
                return _Found(places[folder].path, how, places[folder])
            if how == "program" and low in self._brings:
                return _Found(f"{self._process.program or 'the folder of python.exe'}/{low}", how)
            if folder == self._system:
                found = self._in_system(low, how)
                if found.how:
                    return found
        return _Found()

    def _in_system(self, low: str, how: str) -> _Found:
        """What System32 has: by its own list where that is known, else by what every Windows has."""
        here = self._pool.named.get(low, {}).get(self._system)
        path = here.path if here else f"{self._process.system}/{low}"
        if self._listed is not None:
            return _Found(path, how) if low in self._listed else _Found()
        listed = system_dll(low)
        if listed is None:
            return _Found()
        have = self._process.redistributable
        if listed.kind == "redistributable" and have and listed.since:
            return _Found(path, how) if at_least(have, listed.since) else _Found()
        condition = listed.condition
        if listed.kind == "windows" and self._process.machine not in listed.machines:
            condition = f"a Windows that has it: seen on {' and '.join(listed.machines)} only"
        return _Found(path, how, condition=condition)

    def _order(self, way: str, folder: str) -> list[tuple[str, str]]:
        process = self._process
        if way == STANDARD:
            return list(self._standard(process.search))
        if way == ALTERED:
            return [(folder.lower(), "beside"), *list(self._standard(process.search))[1:]]
        added = [(added.folder.lower(), f"added by {added.by}") for added in reversed(process.added)]
        return [(folder.lower(), "beside"), (process.program.lower(), "program"), *added, (self._system, "System32")]

    def _standard(self, path: Iterable[str]) -> Iterator[tuple[str, str]]:
        yield self._process.program.lower(), "program"
        yield self._system, "System32"
        yield self._system.rpartition("/")[0], "Windows"
        if self._process.cwd:
            yield self._process.cwd.lower(), "current folder"
        yield from ((folder.lower(), "PATH") for folder in path)

    def _fault(self, found: _Found) -> str:
        if found.dll is None or not found.dll.machine:
            return ""
        runs = _RUNS.get(self._process.machine, (self._process.machine,))
        return "" if found.dll.machine in runs else f"it is for {found.dll.machine}, the process is {self._process.machine}"

    def _answer(self, low: str) -> Answer:
        name, asking = self._asked[low]
        found = self._answers[low]
        places = self._pool.named.get(low, {})
        path = {folder.lower(): folder for folder in self._process.search}
        added = {entry.folder.lower() for entry in self._process.added}
        searched = {*path, *added, self._process.program.lower(), self._system}
        searched |= {asker.lower().rpartition("/")[0] for asker in asking}
        taken = found.path.lower()
        others = [dll.path for folder, dll in places.items() if folder in searched and dll.path.lower() != taken]
        on_path = next((places[folder].path for folder in path if folder in places), "") if not found.how else ""
        return Answer(
            name=name,
            path=found.path,
            how="loaded" if found.how == "opened" else found.how,
            needed_by=tuple(asking),
            later=low in self._later,
            others=tuple(others),
            on_path=on_path,
            provider=provider(name) if not found.how or found.condition else "",
            condition=found.condition,
            fault=self._fault(found),
            unordered=found.how.startswith("added by ") and len(added & set(places)) > 1,
        )


def simulate(process: WindowsProcess, dlls: Iterable[Dll] | Pool, starts: Iterable[Start]) -> tuple[Answer, ...]:
    """An answer for every name that is asked for when one process loads ``starts`` in turn, then uses what it loaded."""
    loader = Loader(dlls if isinstance(dlls, Pool) else Pool(dlls), process)
    for start in starts:
        loader.open(start)
    loader.open_later()
    return loader.answers()


def needs(process: WindowsProcess, pool: Pool, path: str, way: str = BESIDE) -> tuple[Answer, ...]:
    """An answer for every name that one file itself asks for, when a process of its own loads it first."""
    dll = pool.files.get(path.lower())
    if dll is None:
        return ()
    answers = {as_file(answer.name): answer for answer in simulate(process, pool, (Start(path, way),))}
    own = dict.fromkeys((*dll.needed, *dll.delay_needed))
    return tuple(answers[low] for name in own if (low := as_file(name)) in answers)


def missing(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Those that nothing answers, or a file that cannot be loaded."""
    return tuple(answer for answer in answers if not answer.found or answer.fault)


def provider(name: str) -> str:
    """The packages, redistributable, driver or Python that bring a DLL; "" where nobody is known to."""
    from torchsmith.knowledge.libraries import providers

    low = as_file(name)
    listed = system_dll(low)
    if listed:
        return listed.condition
    if low.startswith(_PYTHON):
        digits = low.removesuffix(".dll").removeprefix("python")
        return f"Python {digits[0]}.{digits[1:]}" if digits[1:] and digits.rstrip("t").isdigit() else "Python"
    return ", ".join(dict.fromkeys(known.pip_package for known in providers(low, platform="windows") if not known.bundled))


def as_file(name: str) -> str:
    """A name as the loader compares it; one without an extension gets ``.dll``."""
    low = name.lower()
    return low if "." in low else f"{low}.dll"


def load(paths: LoaderPaths, libraries: TorchLibraries) -> LoadedLibraries:
    """An answer for every name that torch's DLLs need, and all that need it: the fact ``loaded_libraries``."""
    process = WindowsProcess(
        added=tuple(Added(folder, "torch") for folder in reversed(paths.default) if folder != paths.system),
        search=paths.library_path,
        system=paths.system,
        listed=tuple(found.name for found in libraries.objects if found.folder == paths.system),
    )
    starts = frozenset(libraries.starts)
    # files were looked for by the names that torch's own DLLs import: of others' imports nothing is known
    known = {name.lower() for found in libraries.objects if found.path in starts for name in found.needed}
    pool = Pool(Dll(found.path, needed=tuple(n for n in found.needed if n.lower() in known)) for found in libraries.objects)
    answers = simulate(process, pool, (Start(path, retry=()) for path in libraries.starts))
    return LoadedLibraries(tuple(_loaded(answer, libraries) for answer in answers if answer.how != "API set"))


def _loaded(answer: Answer, libraries: TorchLibraries) -> Loaded:
    path = answer.path
    how = "System32" if answer.how in {"System32", "KnownDLLs"} else "PATH" if answer.how == "second attempt" else "default"
    low = as_file(answer.name)
    others = tuple(found.path for found in libraries.objects if found.name.lower() == low and found.path != path)
    return Loaded(answer.name, path, how if path else "", answer.needed_by, others=others)
