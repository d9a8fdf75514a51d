"""Where binaries of other systems are installed: their site-packages, what else lies there, which package brought a file."""

from __future__ import annotations

from torchsmith.host.base import Host, text_of
from torchsmith.model.known import Known
from torchsmith.model.library_needs import Condition, LibraryNeeds
from torchsmith.model.paths import joined
from torchsmith.model.record import replace
from torchsmith.probes.packages import normal as package_name
from torchsmith.probes.prefix import around

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torchsmith.model.facts.python import Interpreter
    from torchsmith.model.inspected import BinaryObject
    from torchsmith.model.inspection import Entry

SITE = "/site-packages/"
LEVELS = 8
"""So many folders a module lies deep in its package, at most."""
RECORD_LIMIT = 16 << 20
RECORDS_LIMIT = 5000
"""Packages whose lists of files are read to learn who brought a missing one."""


class Sites:
    """The entries of one format (``pe``, ``macho``), by the site-packages that they lie in."""

    def __init__(self, host: Host, folder: str, entries: Iterable[Entry], form: str) -> None:
        self.host = host
        folders = host.folders()
        self._cwd = folders.value["cwd"] if isinstance(folders, Known) else "/"
        self._folder = joined(self._cwd, folder)
        self._names: dict[str, dict[str, str]] = {}
        self._homes: dict[str, str] = {}
        self.binaries: dict[str, BinaryObject] = {}
        self.shown: dict[str, dict[str, str]] = {}
        """Site -> (absolute path -> path of the entry)."""
        self._modules: dict[str, set[str]] = {}
        for entry in entries:
            path = joined(self._cwd, entry.path)
            if entry.binary and entry.binary.abi.python:
                self._modules.setdefault(self._site(path), set()).add(entry.binary.format)
            if entry.binary and entry.binary.format == form:
                self.binaries[path] = entry.binary
                self.shown.setdefault(self._site(path), {})[path] = entry.path
        self._form = form

    def is_home(self, site: str) -> bool:
        """Whether such binaries are loaded there; some packages carry those of other systems along."""
        return self._form in self._modules.get(site, (self._form,))

    def interpreter(self, site: str, given: Interpreter | None) -> Interpreter | None:
        """The environment that the site belongs to; None for a folder that pip only put packages into."""
        if given and site in {joined(self._cwd, path) for path in given.site_packages}:
            return given
        return around(self.host, f"{site}/module")[1]

    def names(self, folder: str) -> dict[str, str]:
        """Names in lower case -> names as they are; empty for no folder."""
        if folder not in self._names:
            listed = self.host.names(folder)
            self._names[folder] = {name.lower(): name for name in listed.value} if isinstance(listed, Known) else {}
        return self._names[folder]

    def _site(self, path: str) -> str:
        before, mark, _ = path.rpartition(SITE)
        if mark:
            return f"{before}{SITE[:-1]}"
        folder = path.rpartition("/")[0]
        if folder not in self._homes:
            self._homes[folder] = self._climb(folder)
        return self._homes[folder]

    def _climb(self, folder: str) -> str:
        """The folder above that has the packages' metadata, else the one that was named, else its own."""
        at = folder
        for _ in range(LEVELS):
            if any(name.endswith(".dist-info") for name in self.names(at or "/")):
                return at
            at, mark, _ = at.rpartition("/")
            if not mark:
                break
        inside = folder == self._folder or folder.startswith(f"{self._folder}/")
        return self._folder if inside else folder

    def providers(self, site: str, needs: LibraryNeeds) -> LibraryNeeds:
        """The needs, each missing library with the installed package whose RECORD lists it: that one lost it."""
        wanted = {missing.name.rpartition("/")[2].lower() for missing in needs.missing}
        found: dict[str, str] = {}
        folders = [name for name in self.names(site).values() if name.endswith(".dist-info")] if wanted else []
        for folder in folders[:RECORDS_LIMIT]:
            text = text_of(self.host.read(f"{site}/{folder}/RECORD", RECORD_LIMIT)).lower()
            for line in text.splitlines() if any(name in text for name in wanted) else ():
                name = line.rsplit(",", 2)[0].strip('"').rpartition("/")[2]
                if name in wanted:
                    found.setdefault(name, package_name(folder.partition("-")[0]))
        missing = (
            replace(lost, pip=by) if (by := found.get(lost.name.rpartition("/")[2].lower())) and not lost.note else lost
            for lost in needs.missing
        )
        return replace(needs, missing=tuple(missing))


def needs(system: str, sites: Sites, interpreter: Interpreter | None, *, here: bool) -> Iterator[LibraryNeeds]:
    """What Windows or macOS gives the entries, site by site; ``here`` says that this is such a machine."""
    from torchsmith.app import macos_sites, windows_sites

    site_needs = windows_sites.needs if system == "windows" else macos_sites.needs
    for site in sites.shown:
        found = site_needs(sites, site, sites.interpreter(site, interpreter), here=here)
        yield sites.providers(site, found) if sites.is_home(site) else replace(found, missing=(), conditions=())


def joined_needs(parts: Iterable[LibraryNeeds]) -> LibraryNeeds:
    """The needs of several processes as one answer."""
    parts = tuple(parts)
    conditions: dict[tuple[str, str], Condition] = {}
    for condition in (condition for part in parts for condition in part.conditions):
        same = conditions.get((condition.by, condition.since))
        names, who = (same.names, same.needed_by) if same else ((), ())
        conditions[condition.by, condition.since] = replace(
            condition,
            names=tuple(dict.fromkeys((*names, *condition.names))),
            needed_by=tuple(dict.fromkeys((*who, *condition.needed_by))),
        )
    return LibraryNeeds(
        objects=tuple(one for part in parts for one in part.objects),
        missing=tuple(one for part in parts for one in part.missing),
        together=tuple(one for part in parts for one in part.together),
        torch_fails=tuple(one for part in parts for one in part.torch_fails),
        musl=any(part.musl for part in parts),
        conditions=tuple(conditions.values()),
        skipped=sum(part.skipped for part in parts),
    )
