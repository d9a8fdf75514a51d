"""The macOS loader, dyld: which file answers a name, in a process that has loaded some images already.

Nothing is looked up here: a ``Pool`` holds every file that could be met. ``@loader_path`` is the folder of the image that
asks, ``@executable_path`` that of the program; ``@rpath`` stands for each LC_RPATH of the asking image, then of the one that
loaded it, and so on up to the program. A name that starts with ``@rpath`` is also answered by an image that is loaded already
with this very install name: that is how extensions find torch's libraries, whose own LC_RPATH leads to a build machine.
The libraries of macOS itself are no files: they lie in the shared cache.

Source: https://github.com/apple-oss-distributions/dyld (doc/man/man1/dyld.1, dyld/Loader.cpp)
"""

from __future__ import annotations

from torchsmith.model.paths import normal
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHARED_CACHE = ("/usr/lib/", "/System/")
SWIFT = "/usr/lib/swift/"
"""The part of it that programs name through ``@rpath``."""
FALLBACK = "/usr/local/lib"
"""Where dyld looks for the last part of a name that is nowhere else."""
_PREFIXES = ("@rpath/", "@loader_path/", "@executable_path/")


@record
class Image:
    """A library, extension module or program as its own load commands describe it."""

    path: str
    machines: tuple[str, ...] = ()
    """Of each of its images; empty where not known."""
    name: str | None = None
    """The install name."""
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """Linked weakly: the image loads without them."""
    rpaths: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where it lies: what ``@loader_path`` means to it."""
        return self.path.rpartition("/")[0]


@record
class MacProcess:
    """What decides which file a process gets, beside the files themselves."""

    program: str = ""
    """The path of the interpreter; "" where it is not known."""
    machine: str = "aarch64"
    library_path: tuple[str, ...] = ()
    """DYLD_LIBRARY_PATH; empty for Apple's own programs and scripts started by them, which lose it."""


@record
class Answer:
    """One name that an image asks for, and what dyld answers it with.

    ``path`` is empty where nothing does, and for libraries of macOS itself. ``how`` is ``rpath``, ``loader_path``,
    ``executable_path``, ``path``, ``loaded``, ``install name``, ``shared cache``, ``DYLD_LIBRARY_PATH``, ``fallback`` or empty.
    """

    name: str
    needed_by: str
    path: str = ""
    how: str = ""
    optional: bool = False
    tried: tuple[str, ...] = ()
    """Every path that was looked at in vain."""
    fault: str = ""
    """Why the file that is taken cannot be loaded."""

    @property
    def found(self) -> bool:
        """Whether anything answers."""
        return bool(self.how)


class _Loaded:
    """An image in the process, and the one that loaded it."""

    __slots__ = ("image", "loader")

    def __init__(self, image: Image, loader: _Loaded | None) -> None:
        self.image, self.loader = image, loader


class Loader:
    """One process: what it has loaded, and an answer for each name that each image asks for.

    It goes on from where another process is ``before``: the same is loaded, nothing was asked for yet.
    """

    def __init__(self, images: Iterable[Image] | dict[str, Image], process: MacProcess, before: Loader | None = None) -> None:
        self._files = images if isinstance(images, dict) else {image.path: image for image in images}
        self._process = process
        self.loaded: dict[str, _Loaded] = dict(before.loaded) if before else {}
        self.by_install_name: dict[str, _Loaded] = dict(before.by_install_name) if before else {}
        self._program: _Loaded | None = self.loaded.get(process.program)
        self.answers: list[Answer] = []
        if self._program is None and process.program in self._files:
            self._program = self._add(self._files[process.program], None)
            self._complete([self._program])

    def open(self, path: str) -> bool:
        """Load an image by its path, with what it needs; False where something that is not optional was missing."""
        image = self._files.get(normal(path))
        if image is None:
            return False
        if image.path in self.loaded:
            return True
        return self._complete([self._add(image, self._program)])

    def _complete(self, waiting: list[_Loaded]) -> bool:
        """Load what these need; an image that cannot be had makes all of them fail, but the others are named too."""
        start = len(self.answers)
        before = set(self.loaded) - {mapped.image.path for mapped in waiting}
        for mapped in waiting:  # grows while it is walked: breadth first, as dyld goes
            image = mapped.image
            for name, optional in (*((n, False) for n in image.needed), *((n, True) for n in image.optional)):
                answer = self._answer(name, mapped, optional=optional)
                self.answers.append(answer)
                if answer.path and answer.path not in self.loaded and not answer.fault:
                    waiting.append(self._add(self._files[answer.path], mapped))
        whole = all(answer.optional or (answer.found and not answer.fault) for answer in self.answers[start:])
        if not whole:  # a dlopen that fails leaves nothing behind
            self.loaded = {path: mapped for path, mapped in self.loaded.items() if path in before}
            self.by_install_name = {mapped.image.name: mapped for mapped in self.loaded.values() if mapped.image.name}
        return whole

    def _add(self, image: Image, loader: _Loaded | None) -> _Loaded:
        mapped = self.loaded[image.path] = _Loaded(image, loader)
        if image.name:
            self.by_install_name.setdefault(image.name, mapped)
        return mapped

    def _answer(self, name: str, asker: _Loaded, *, optional: bool) -> Answer:
        by = asker.image.path
        candidates = list(self._candidates(name, asker))
        loaded = next((path for path, _ in candidates if path in self.loaded), None)
        if loaded:
            return Answer(name, by, loaded, "loaded", optional)
        known = self.by_install_name.get(name)
        if known is not None and name.startswith("@rpath/"):
            return Answer(name, by, known.image.path, "install name", optional)
        tried: list[str] = []
        wrong = Answer(name, by, optional=optional)
        for path, how in candidates:
            image = self._files.get(path)
            fault = self._fault(image) if image else ""
            if image and not fault:
                return Answer(name, by, path, how, optional, tuple(tried))
            if image and not wrong.fault:  # dyld goes on to the next path
                wrong = Answer(name, by, path, how, optional, fault=fault)
            if path.startswith(SHARED_CACHE if how == "path" else SWIFT):
                return Answer(name, by, "", "shared cache", optional, tuple(tried))
            tried.append(path)
        return replace(wrong, tried=tuple(dict.fromkeys(tried)))

    def _candidates(self, name: str, asker: _Loaded) -> Iterator[tuple[str, str]]:
        """Each path that dyld tries for ``name``, with how it came to it."""
        last = name.rpartition("/")[2]
        yield from ((normal(f"{folder}/{last}"), "DYLD_LIBRARY_PATH") for folder in self._process.library_path)
        if name.startswith("@rpath/"):
            rest = name.removeprefix("@rpath/")
            for folder in self._rpaths(asker):
                yield normal(f"{folder}/{rest}"), "rpath"
        elif name.startswith(_PREFIXES):
            how = name[1:].partition("/")[0]
            path = self._expanded(name, asker)
            if path:
                yield path, how
        elif name.startswith("/"):
            yield normal(name), "path"
        else:
            yield normal(f"{asker.image.folder}/{name}"), "path"
        yield f"{FALLBACK}/{last}", "fallback"

    def _rpaths(self, asker: _Loaded) -> Iterator[str]:
        """The folders that ``@rpath`` stands for: those of the asking image first, those of the program last."""
        mapped: _Loaded | None = asker
        seen: list[_Loaded] = []
        while mapped is not None and mapped not in seen:
            seen.append(mapped)
            for entry in mapped.image.rpaths:
                if folder := self._expanded(f"{entry}/", mapped):
                    yield folder
            mapped = mapped.loader

    def _expanded(self, text: str, owner: _Loaded) -> str:
        """A path with ``@loader_path`` and ``@executable_path`` filled in; "" where the program is not known."""
        if text.startswith("@loader_path/"):
            return normal(f"{owner.image.folder}/{text.removeprefix('@loader_path/')}")
        if text.startswith("@executable_path/"):
            folder = self._process.program.rpartition("/")[0]
            return normal(f"{folder}/{text.removeprefix('@executable_path/')}") if folder else ""
        return normal(text)

    def _fault(self, image: Image) -> str:
        machine = self._process.machine
        if not image.machines or machine in image.machines:
            return ""
        return f"it is for {' and '.join(image.machines)}, the process is {machine}"


def simulate(process: MacProcess, images: Iterable[Image], starts: Iterable[str]) -> tuple[Answer, ...]:
    """An answer for every name that every image asks for when one process loads the files ``starts`` in turn."""
    loader = Loader(images, process)
    for path in starts:
        loader.open(path)
    return tuple(loader.answers)


def missing(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Those that an image cannot do without, and that nothing answers or a file that cannot be loaded."""
    return tuple(answer for answer in answers if not answer.optional and (not answer.found or answer.fault))
