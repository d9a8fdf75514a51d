"""What every DLL and extension module of a Windows environment will be given for the names that it asks for.

Each is loaded in a process of its own. What needs torch's DLLs, or is torch's, is loaded where torch was imported; all the
others are loaded a second time after torch, for there they may be given something else. Folders that packages add count as
in life: those of mended wheels always (their names are theirs alone), others for the package itself.
"""

from __future__ import annotations

from torchsmith.derive.dll_folders import start
from torchsmith.derive.windows_loader import Loader, Pool, as_file, missing, provider
from torchsmith.knowledge import libraries
from torchsmith.knowledge.windows_dlls import system_dll
from torchsmith.model.inspection import Need
from torchsmith.model.library_needs import Condition, LibraryNeeds, MissingLibrary, ObjectNeeds
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace
from torchsmith.model.versions import at_least
from torchsmith.model.windows_process import Added

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torchsmith.model.windows_process import Answer, Dll, WindowsProcess

NAMES_LIMIT = 50_000
"""Names that all files together may ask for; four hundred real ones ask for three thousand."""

ASKED_LIMIT = 300_000
"""Names that are looked up for one environment, over all its processes; those four hundred take eleven thousand."""

_TORCH = pattern(r"(?:c10|torch|caffe2|shm)(?:_\w+)?\.dll")
_HOW = {"program": "Python folder", "KnownDLLs": "System32", "PATH": "PATH", "second attempt": "PATH (second attempt)"}
_FAMILY = {"arm64ec": "x86_64", "arm64x": "aarch64"}


@record
class WindowsSite:
    """One site-packages, and the process that its modules are imported in."""

    process: WindowsProcess
    """``added`` holds what is added whatever is imported."""
    own: tuple[tuple[str, Added], ...] = ()
    """(folder of a package, what it adds when it is imported)."""
    torch: str = ""
    """The folder of the torch package; "" where there is none."""
    torch_added: tuple[str, ...] = ()
    python: tuple[int, int] = (3, 12)
    conda: bool = False
    cuda: int | None = None


def windows_needs(site: WindowsSite, pool: Pool, objects: Mapping[str, str]) -> LibraryNeeds:
    """The needs of all ``objects``: path in the pool -> path to show. Another processor's are loaded in its own process."""
    if sum(len(dll.needed) + len(dll.delay_needed) for dll in pool.files.values()) > NAMES_LIMIT:
        return LibraryNeeds((), skipped=len(objects))
    return _Openings(site, pool, objects).answer()


def commonest_machine(machines: Iterable[str]) -> str:
    """The processor of the process that most of these are for; x86-64 where nothing tells."""
    found = [family(machine) for machine in machines if machine]
    return max(sorted(set(found), reverse=True), key=found.count, default="x86_64")


def family(machine: str) -> str:
    """The processor of a process that loads such a file."""
    return _FAMILY.get(machine, machine)


class _Lost:
    """A name that nothing answers, and who asked for it."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.askers: dict[str, None] = {}
        self.stops: dict[str, None] = {}
        self.after_torch = ""


class _Openings:
    """The process that has imported torch, and what was found so far."""

    def __init__(self, site: WindowsSite, pool: Pool, objects: Mapping[str, str]) -> None:
        self._site, self._pool, self._shown = site, pool, objects
        self._missing: dict[str, _Lost] = {}
        self._conditions: dict[tuple[str, str], dict[str, None]] = {}
        self._providers: dict[str, str] = {}
        self._asked = 0
        self._torch = self._imported() if site.torch else None
        answers = self._torch.answers() if self._torch else ()
        self._torch_fails = tuple(answer.name for answer in missing(answers))
        self._torch_paths = frozenset(self._torch.paths() if self._torch else ())

    def answer(self) -> LibraryNeeds:
        """Load them all."""
        found, skipped = [], 0
        for path in self._shown:
            dll = self._pool.files.get(path.lower())
            if dll is None:
                continue
            if self._asked > ASKED_LIMIT:
                skipped += 1
                continue
            found.append(self._object(path, dll))
        return LibraryNeeds(
            objects=tuple(found),
            missing=tuple(map(self._lost, self._missing.values())),
            torch_fails=self._torch_fails,
            conditions=tuple(self._told()),
            skipped=skipped,
        )

    def _imported(self) -> Loader:
        """The process after ``import torch``, which loads every DLL of its folder, then its extension module."""
        site = self._site
        lib, core = f"{site.torch}/lib/".lower(), f"{site.torch}/_c.".lower()
        dlls = sorted(p for p in self._pool.files if p.startswith(lib) and p.endswith(".dll") and "/" not in p[len(lib) :])
        dlls += sorted(path for path in self._pool.files if path.startswith(core) and path.endswith(".pyd"))
        machine = commonest_machine(self._pool.files[path].machine for path in dlls)
        loader = Loader(self._pool, self._process(site.torch, machine, torch=True))
        for path in dlls:
            loader.open(start(self._pool.files[path].path, site.python, conda=site.conda, torch_added=site.torch_added))
        return loader

    def _process(self, path: str, machine: str, *, torch: bool) -> WindowsProcess:
        """The process that loads the file: what is added last is searched first."""
        site = self._site
        by_torch = tuple(Added(folder, "torch") for folder in site.torch_added) if torch else ()
        own = tuple(added for folder, added in site.own if path.lower().startswith(f"{folder.lower()}/"))
        return replace(site.process, added=(*site.process.added, *by_torch, *own), machine=machine)

    def _opened(self, dll: Dll, *, torch: bool, alone: bool = False) -> dict[str, Answer]:
        """An answer for each name that is asked for when it is loaded, in lower case; ``alone`` before anything of torch is."""
        machine = family(dll.machine) or self._site.process.machine
        before = self._torch if torch and not alone and machine == self._site.process.machine else None
        loader = Loader(self._pool, self._process(dll.path, machine, torch=torch), before)
        site = self._site
        loader.open(start(dll.path, site.python, conda=site.conda, torch_added=site.torch_added if torch else None))
        loader.open_later()
        answers = {as_file(answer.name): answer for answer in loader.answers()}
        taken = (self._pool.files.get(answer.path.lower()) for answer in answers.values())
        self._asked += len(dll.needed) + sum(len(found.needed) + 1 for found in taken if found)
        return answers

    def _object(self, path: str, dll: Dll) -> ObjectNeeds:
        torch = self._site.torch
        ours = bool(torch) and path.lower().startswith(f"{torch.lower()}/")
        own = ours or (bool(torch) and any(_TORCH.fullmatch(name.lower()) for name in dll.needed))
        answers = self._opened(dll, torch=own, alone=ours)
        after = answers if own or not torch else self._opened(dll, torch=True)
        shown = self._shown[path]
        needs = []
        for name in dict.fromkeys((*dll.needed, *dll.delay_needed)):
            answer = answers.get(as_file(name))
            if answer is not None:
                later = after.get(as_file(answer.name), answer)
                need = self._need(answer, later, optional=name not in dll.needed)
                loaded = own and not ours and answer.path in self._torch_paths and need.how not in {"System32", "Python folder"}
                needs.append(replace(need, how="loaded") if loaded else need)
        lost = []
        for answer in missing(answers.values()):
            lost.append((answer.name, tuple(self._name(who) for who in answer.needed_by)))
            self._lose(answer, shown, after.get(as_file(answer.name), answer))
        for answer in answers.values():
            if answer.condition:
                self._conditions.setdefault((as_file(answer.name), answer.condition), {})[shown] = None
        return ObjectNeeds(shown, tuple(needs), own, tuple(lost))

    def _need(self, answer: Answer, after: Answer, *, optional: bool) -> Need:
        found, later = self._file(answer), self._file(after)
        how = answer.fault or _HOW.get(answer.how, answer.how)
        others = tuple(map(self._name, answer.others))
        return Need(answer.name, found, how, self._provider(answer), later if later != found else "", others, optional)

    def _file(self, answer: Answer) -> str:
        """The file that is taken; where that is none, or in a folder that nobody looked into, its name; "" for nothing."""
        if answer.fault or not answer.how:
            return ""
        unseen = answer.how == "program" and not self._site.process.program
        return answer.name if unseen or not answer.path else self._name(answer.path)

    def _provider(self, answer: Answer) -> str:
        low = as_file(answer.name)
        if self._site.torch and answer.path.lower().startswith(f"{self._site.torch.lower()}/"):
            return "torch"
        if low not in self._providers:
            known = libraries.provider(low, self._site.cuda, "windows") if self._site.cuda else None
            self._providers[low] = known or provider(low) or ("torch" if _TORCH.fullmatch(low) else "")
        return self._providers[low]

    def _lose(self, answer: Answer, shown: str, after: Answer) -> None:
        lost = self._missing.setdefault(as_file(answer.name), _Lost(answer))
        lost.askers.update(dict.fromkeys(map(self._name, answer.needed_by)))
        if not answer.later:
            lost.stops[shown] = None
        if after is not answer and after.found and not after.fault:
            lost.after_torch = lost.after_torch or after.path

    def _lost(self, lost: _Lost) -> MissingLibrary:
        low = as_file(lost.answer.name)
        listed = system_dll(low)
        brings = self._provider(lost.answer)
        elsewhere = tuple(self._name(found.path) for found in self._pool.named.get(low, {}).values())
        module = low.endswith(".pyd") and bool(elsewhere)  # another module: it answers where it was imported before
        return MissingLibrary(
            name=lost.answer.name,
            needed_by=tuple(lost.askers),
            stops=tuple(lost.stops),
            pip="" if listed or brings.startswith("Python") else brings,
            note=f"{brings} brings it" if brings and (listed or brings.startswith("Python")) else "",
            elsewhere=elsewhere,
            after_torch=lost.after_torch,
            later=module or not lost.stops,
            fault=f"{lost.answer.path}: {lost.answer.fault}" if lost.answer.fault else "",
        )

    def _told(self) -> Iterable[Condition]:
        """What the machine must have, once for each that provides it: of a redistributable the newest that is needed."""
        told: dict[str, tuple[str, dict[str, None], dict[str, None]]] = {}
        for (name, condition), who in self._conditions.items():
            listed = system_dll(name)
            since = (listed.since if listed else None) or ""
            by = (listed.provider if listed else None) or ("Windows 10" if since else condition)
            before, names, askers = told.setdefault(by, (since, {}, {}))
            names[name] = None
            askers.update(who)
            if since and (not before or at_least(since, before)):
                told[by] = (since, names, askers)
        return (Condition(by, since, tuple(names), tuple(askers)) for by, (since, names, askers) in told.items())

    def _name(self, path: str) -> str:
        return self._shown.get(path, path)
