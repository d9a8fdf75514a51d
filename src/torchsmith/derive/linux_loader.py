"""The Linux loader: which file answers a name, in a process that has opened some already.

Nothing is looked up here: a ``Pool`` holds every file that could be met. The order of glibc (ld.so(8), elf/dl-load.c): what
is loaded already under that name; unless the asking file has a RUNPATH, its RPATH, that of the file which loaded it and so on
up to the executable; LD_LIBRARY_PATH; the RUNPATH of the asking file only; ld.so.cache; the system's folders. In every folder
the sub-folders for better processors come first. Files for another processor are passed over.

musl's order (ldso/dynlink.c): LD_LIBRARY_PATH; RPATH or RUNPATH, which mean the same to it, of the asking file and of all that
led to it; the system's folders. It knows what is loaded by the name asked for, not by SONAME, and has no cache.
"""

from __future__ import annotations

from torchsmith.model.facts.libraries import STORES, LoaderPaths, SharedObject
from torchsmith.model.paths import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ALWAYS_LOADED = ("ld-linux", "ld64.so", "linux-vdso", "ld-musl")
# musl is one library; these names mean itself
MUSL_ITSELF = ("libc.so", "libc.musl-", "libpthread.so", "librt.so", "libm.so", "libdl.so", "libutil.so", "libxnet.so")


class Map:
    """A file in a process, the one that loaded it, and where the loader looks on its behalf: (folder, how)."""

    __slots__ = ("file", "loader", "order")

    def __init__(self, file: SharedObject, loader: Map | None) -> None:
        self.file, self.loader = file, loader
        self.order: list[tuple[str, str]] | None = None


class Pool:
    """Every file that could be met, and what is alike for all processes on this machine."""

    def __init__(self, objects: Iterable[SharedObject], unread: Iterable[str], paths: LoaderPaths, program: str = "") -> None:
        # a file that is there and cannot be read is no missing one: what it needs is not known, that is all
        self.files = {path: SharedObject(path, "") for path in unread}
        self.files |= {found.path: found for found in objects}
        self.program = self.files.get(program)
        loader = self.program.interpreter if self.program else ""
        self.paths = paths.under(loader)
        self.musl = paths.musl or "/ld-musl-" in loader
        self.own_store = loader.startswith(STORES)
        self.named: dict[str, dict[str, SharedObject]] = {}
        for found in self.files.values():
            self.named.setdefault(found.name, {})[found.folder] = found
        self.cached: dict[str, str] = {}
        special = [f"/{sub}" for sub in self.paths.hwcaps]
        self._better = {
            name for name, places in self.named.items() if special and any(f.endswith(tuple(special)) for f in places)
        }

    def know(self, cache: Iterable[tuple[str, str]]) -> None:
        """Take the answers of ld.so.cache; those for better processors stand under ``glibc-hwcaps/x86-64-v3/libx.so.1``."""
        if self.musl or self.own_store:
            return
        ranks: dict[str, int] = {}
        for key, path in cache:
            sub, _, name = key.rpartition("/")
            if sub and sub not in self.paths.hwcaps:
                continue
            rank = self.paths.hwcaps.index(sub) if sub else len(self.paths.hwcaps)
            if rank < ranks.get(name, rank + 1):
                ranks[name], self.cached[name] = rank, path

    def first(self, name: str, order: Iterable[tuple[str, str]], kind: str) -> tuple[SharedObject | None, str]:
        """The first file called ``name`` for this processor in these folders, and how it was found."""
        places = self.named.get(name)
        if places is None:
            return None, ""
        better = name in self._better
        for folder, how in order:
            if better:
                for sub in self.paths.hwcaps:
                    found = places.get(f"{folder}/{sub}")
                    if found and fits(found, kind):
                        return found, how
            found = places.get(folder)
            if found and fits(found, kind):
                return found, how
        return None, ""

    def at(self, path: str, kind: str) -> SharedObject | None:
        """The file at ``path`` if it is for this processor."""
        found = self.files.get(path)
        return found if found and fits(found, kind) else None


def fits(file: SharedObject, kind: str) -> bool:
    """Whether the loader would not pass over it as one for another processor."""
    return not kind or file.kind in {kind, ""}


class Process:
    """One process: its maps in the order of loading, and an answer for each name that was asked for.

    ``answers`` maps a name to (path, how), the path empty where nothing answers; how is RPATH, LD_LIBRARY_PATH, RUNPATH,
    ld.so.cache, default, path, or loaded for what was there already. ``needed_by`` maps it to all that ask for it. ``kind``
    is that of the files that can be loaded, such as ``elf-x86_64``; empty as long as any can.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.maps: list[Map] = []
        self.known: dict[str, Map] = {}
        self.answers: dict[str, tuple[str, str]] = {}
        self.needed_by: dict[str, dict[str, None]] = {}
        self._same: dict[str, Map] = {}
        self.kind = ""

    def copy(self) -> Process:
        """The same process, to be continued apart; who asked for what is not taken along."""
        other = Process(self.pool)
        other.maps, other.known, other._same = self.maps.copy(), self.known.copy(), self._same.copy()
        other.answers, other.kind = self.answers.copy(), self.kind
        return other

    def restore(self, before: Process) -> None:
        """Take the state of an earlier copy: an open that fails leaves nothing behind."""
        self.maps, self.known, self._same = before.maps.copy(), before.known.copy(), before._same.copy()
        self.answers = before.answers.copy()

    @property
    def main(self) -> Map | None:
        """The executable."""
        return self.maps[0] if self.maps else None

    @property
    def python(self) -> Map | None:
        """What opens extension modules: the interpreter's own shared library, else the executable."""
        return next((found for found in self.maps[1:] if found.file.name.startswith("libpython3.")), self.main)

    @property
    def ctypes(self) -> Map | None:
        """What opens a library for Python code, else the executable."""
        return next((found for found in self.maps if found.file.name.startswith("_ctypes.")), self.main)

    def holds(self, file: SharedObject) -> Map | None:
        """The map of a file that is loaded, under whatever name."""
        return self.known.get(file.path) or (self._same.get(file.identity) if file.identity else None)

    def answer(self, name: str) -> tuple[str, str]:
        """(path, how) of the file that a name stands for now; the path is empty where there is none."""
        if name.startswith(ALWAYS_LOADED):
            loader = self.pool.program.interpreter if self.pool.program else ""
            return loader or name, "loaded"
        known = self.known.get(name)
        if known is None:
            return self.answers.get(name, ("", ""))
        return known.file.path, self.answers.get(name, ("", "loaded"))[1]

    def start(self) -> None:
        """The executable and what LD_PRELOAD names are there before anything is asked for."""
        program = self.pool.program
        if program:
            self.kind = program.kind
            self._add(program, None, program.path)
        for name in self.pool.paths.preload:
            if "/" in name or self.maps:
                self._find(name, self.main)
        self._complete(self.maps.copy())

    def open(self, path: str, caller: Map | None) -> Map | None:
        """``dlopen`` of a path: the file, then what it needs, in breadth."""
        file = self.pool.files.get(path)
        known = self.holds(file) if file else self.known.get(path)
        if known is not None or file is None:
            return known
        self.kind = self.kind or file.kind
        mapped = self._add(file, caller, path)
        self._complete([mapped])
        return mapped

    def need(self, names: Iterable[str], caller: Map) -> None:
        """``dlopen`` of names."""
        for name in names:
            if (new := self._find(name, caller)) is not None:
                self._complete([new])

    def order(self, asker: Map | None) -> list[tuple[str, str]]:
        """The folders that are searched for ``asker`` before the cache."""
        if asker is None:
            return [(folder, "LD_LIBRARY_PATH") for folder in self.pool.paths.library_path]
        if asker.order is None:
            asker.order = list(self._musl_order(asker) if self.pool.musl else self._order(asker))
        return asker.order

    def _order(self, asker: Map) -> Iterator[tuple[str, str]]:
        runpath = asker.file.runpath
        if runpath is None:
            chain = list(_loaders(asker))
            if self.main is not None and self.main not in chain:
                chain.append(self.main)
            yield from ((folder, "RPATH") for mapped in chain for folder in mapped.file.rpath or ())
        yield from ((folder, "LD_LIBRARY_PATH") for folder in self.pool.paths.library_path)
        yield from ((folder, "RUNPATH") for folder in runpath or ())

    def _musl_order(self, asker: Map) -> Iterator[tuple[str, str]]:
        yield from ((folder, "LD_LIBRARY_PATH") for folder in self.pool.paths.library_path)
        for mapped in _loaders(asker):
            file = mapped.file
            how = "RPATH" if file.runpath is None else "RUNPATH"
            yield from ((folder, how) for folder in file.rpath or file.runpath or ())

    def _complete(self, queue: list[Map]) -> None:
        for mapped in queue:  # grows while it is walked: breadth first, as the loader goes
            for name in mapped.file.needed:
                new = self._find(name, mapped)
                if new is not None:
                    queue.append(new)
            for name in mapped.file.auxiliary:
                if name in self.known or not self._search(name, mapped)[0] or (new := self._find(name, mapped)) is None:
                    continue
                queue.append(new)
                self.maps.insert(self.maps.index(mapped), self.maps.pop())  # it stands before the file that it goes with

    def _find(self, name: str, asker: Map | None) -> Map | None:
        """Answer ``name``; the map that is new by that, if any."""
        if asker is not None:
            self.needed_by.setdefault(name, {})[asker.file.path] = None
        known = self.known.get(name)
        if known is not None:
            self.answers.setdefault(name, (known.file.path, "loaded"))
            return None
        if name in self.answers or name.startswith(ALWAYS_LOADED) or (self.pool.musl and name.startswith(MUSL_ITSELF)):
            return None
        file, how = self._search(name, asker)
        self.answers[name] = (file.path if file else "", how)
        if file is None:
            return None
        known = self.holds(file)
        if known is not None:  # the same file under another name
            self.known[name] = known
            self.answers[name] = (known.file.path, how)
            return None
        return self._add(file, asker, name)

    def _search(self, name: str, asker: Map | None) -> tuple[SharedObject | None, str]:
        pool = self.pool
        if "/" in name:
            return pool.files.get(joined(pool.paths.cwd, name)), "path"
        found, how = pool.first(name, self.order(asker), self.kind)
        if found:
            return found, how
        no_default = asker is not None and asker.file.no_default
        cached = pool.at(pool.cached.get(name, ""), self.kind)
        if cached and not (no_default and cached.path.startswith(tuple(f"{folder}/" for folder in pool.paths.default))):
            return cached, "ld.so.cache"
        return (None, "") if no_default else pool.first(name, ((folder, "default") for folder in pool.paths.default), self.kind)

    def _add(self, file: SharedObject, loader: Map | None, name: str) -> Map:
        mapped = Map(file, loader)
        self.maps.append(mapped)
        for known in (name, file.path, "" if self.pool.musl else file.soname):
            if known:
                self.known.setdefault(known, mapped)
        if file.identity:
            self._same.setdefault(file.identity, mapped)
        return mapped


def _loaders(mapped: Map | None) -> Iterator[Map]:
    """The map itself, the one that loaded it, and so on."""
    while mapped is not None:
        yield mapped
        mapped = mapped.loader
