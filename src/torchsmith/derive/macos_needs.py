"""What every library and extension module of a macOS environment will be given for the names that it asks for.

Each is loaded in a process of its own, by the interpreter; what needs torch's libraries is loaded after torch. All the others
are loaded a second time after torch, for what is loaded already answers to its install name.
"""

from __future__ import annotations

from torchsmith.derive.macos_loader import Answer, Image, Loader, MacProcess, missing
from torchsmith.model.inspection import Need
from torchsmith.model.library_needs import LibraryNeeds, MissingLibrary, ObjectNeeds
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAMES_LIMIT = 50_000
"""Names that all files together may ask for; four hundred real ones ask for three thousand."""

ASKED_LIMIT = 300_000
"""Names that are looked up for one environment, over all its processes; those four hundred take eleven thousand."""

_TORCH = pattern(r"lib(?:c10|torch|shm)(?:_\w+)?\.dylib")
_HOW = {
    "rpath": "@rpath",
    "loader_path": "@loader_path",
    "executable_path": "@executable_path",
    "shared cache": "system",
    "install name": "loaded",
}


@record
class MacSite:
    """One site-packages, and the process that its modules are imported in."""

    process: MacProcess
    torch: tuple[str, ...] = ()
    """What ``import torch`` opens, in order: its library of libraries, then its extension module."""
    folder: str = ""
    """The folder of the torch package; "" where there is none."""


def macos_needs(site: MacSite, images: dict[str, Image], objects: Mapping[str, str]) -> tuple[LibraryNeeds, frozenset[str]]:
    """The needs of all ``objects`` (path -> path to show), and every path that was looked at in vain."""
    if sum(len(image.needed) + len(image.optional) for image in images.values()) > NAMES_LIMIT:
        return LibraryNeeds((), skipped=len(objects)), frozenset()
    openings = _Openings(site, images, objects)
    return openings.answer(), frozenset(openings.tried)


def commonest_machine(machines: Iterable[str]) -> str:
    """The processor that most of these are for, of universal ones all; Apple silicon where nothing tells."""
    found = [machine for listed in machines for machine in listed.split("+") if machine]
    return max(sorted(set(found)), key=found.count, default="aarch64")


class _Openings:
    """The process that has imported torch, and what was found so far."""

    def __init__(self, site: MacSite, images: dict[str, Image], objects: Mapping[str, str]) -> None:
        self._site, self._images, self._shown = site, images, objects
        self._missing: dict[str, list[tuple[Answer, str]]] = {}
        self._named: dict[str, list[str]] = {}
        for path in images:
            self._named.setdefault(_last(path), []).append(path)
        self._after: dict[str, str] = {}
        self._asked = 0
        self.tried: set[str] = set()
        self._torch = self._imported()
        self._torch_fails = tuple(answer.name for answer in missing(self._torch.answers))

    def answer(self) -> LibraryNeeds:
        """Load them all."""
        found, skipped = [], 0
        for path in self._shown:
            if path not in self._images:
                continue
            if self._asked > ASKED_LIMIT:
                skipped += 1
                continue
            found.append(self._object(path, self._images[path]))
        return LibraryNeeds(
            objects=tuple(found),
            missing=tuple(self._lost(name, askers) for name, askers in self._missing.items()),
            torch_fails=self._torch_fails,
            skipped=skipped,
        )

    def _imported(self) -> Loader:
        """The process after ``import torch``."""
        loader = Loader(self._images, self._site.process)
        for path in self._site.torch:
            loader.open(path)
        self._note(loader.answers)
        return loader

    def _opened(self, image: Image, *, torch: bool) -> list[Answer]:
        """An answer for each name that is asked for when it is loaded."""
        process = self._site.process
        if image.machines and process.machine not in image.machines:
            process = replace(process, machine=image.machines[0])
        loader = Loader(self._images, process, self._torch if torch else None)
        if torch and image.path in loader.loaded:
            return [answer for answer in self._torch.answers if answer.needed_by == image.path]
        before = len(loader.answers)
        loader.open(image.path)
        self._note(loader.answers[before:])
        return loader.answers[before:]

    def _note(self, answers: list[Answer]) -> None:
        self.tried.update(path for answer in answers for path in answer.tried)
        self._asked += len(answers)

    def _object(self, path: str, image: Image) -> ObjectNeeds:
        site, shown = self._site, self._shown[path]
        ours = bool(site.folder) and path.startswith(f"{site.folder}/")
        own = ours or (bool(site.torch) and any(_TORCH.fullmatch(_last(name)) for name in image.needed))
        answers = self._opened(image, torch=own and not ours)
        after = answers if own or not site.torch else self._opened(image, torch=True)
        later = {(answer.needed_by, answer.name): answer for answer in after}
        needs = [self._need(answer, later.get((path, answer.name), answer)) for answer in answers if answer.needed_by == path]
        lost: dict[str, dict[str, None]] = {}
        for answer in missing(answers):
            lost.setdefault(answer.name, {})[self._name(answer.needed_by)] = None
            self._missing.setdefault(answer.name, []).append((answer, shown))
            found = later.get((answer.needed_by, answer.name), answer)
            if found.found and not found.fault:
                self._after.setdefault(answer.name, found.path)
        return ObjectNeeds(shown, tuple(needs), own, tuple((name, tuple(who)) for name, who in lost.items()))

    def _need(self, answer: Answer, after: Answer) -> Need:
        """One answer; a library of macOS is no file, so its own name stands for it."""
        found = (self._name(answer.path) or answer.name) if answer.how and not answer.fault else ""
        after_torch = self._name(after.path) if after.path not in {"", answer.path} and not after.fault else ""
        how = answer.fault or _HOW.get(answer.how, answer.how)
        return Need(answer.name, found, how, self._provider(answer), after_torch, optional=answer.optional)

    def _provider(self, answer: Answer) -> str:
        ours = self._site.folder and answer.path.startswith(f"{self._site.folder}/")
        return "torch" if ours or _TORCH.fullmatch(_last(answer.name)) else ""

    def _lost(self, name: str, askers: list[tuple[Answer, str]]) -> MissingLibrary:
        first = askers[0][0]
        return MissingLibrary(
            name=name,
            needed_by=tuple(dict.fromkeys(self._name(answer.needed_by) for answer, _ in askers)),
            stops=tuple(dict.fromkeys(shown for _, shown in askers)),
            pip=self._provider(first),
            elsewhere=tuple(self._name(path) for path in self._named.get(_last(name), ()) if path != first.path),
            after_torch=self._after.get(name, ""),
            fault=f"{first.path}: {first.fault}" if first.fault else "",
        )

    def _name(self, path: str) -> str:
        return self._shown.get(path, path)


def _last(path: str) -> str:
    return path.rpartition("/")[2]
