"""Shared libraries: what the files say, where the loader looks, and what it will take."""

from __future__ import annotations

from torchsmith.model.record import record

CUDNN_PARTS = {
    8: ("ops_infer", "ops_train", "cnn_infer", "cnn_train", "adv_infer", "adv_train"),
    9: ("graph", "ops", "cnn", "adv", "engines_precompiled", "engines_runtime_compiled", "heuristic"),
}


@record
class SharedObject:
    """A library or executable as its own headers describe it.

    ``rpath`` and ``runpath`` are lists of folders with ``$ORIGIN`` filled in, None where the file has none; a file with a
    RUNPATH has no effective RPATH. ``glibcxx`` is the highest version of libstdc++'s symbols that it needs,
    ``has_glibcxx`` the highest that it offers. ``version`` of a Windows file is that of its version resource.
    """

    path: str
    kind: str
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] | None = None
    runpath: tuple[str, ...] | None = None
    glibc: str | None = None
    glibcxx: str | None = None
    has_glibcxx: str | None = None
    version: str | None = None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Where it lies."""
        return self.path.rpartition("/")[0]


@record
class LoaderPaths:
    """Where the loader of this machine looks, before any file's own RPATH or RUNPATH.

    ``library_path`` is LD_LIBRARY_PATH, ``preload`` LD_PRELOAD, ``default`` the system's folders (on Windows: the folder of
    python.exe and those that torch adds, then System32); ``path`` is PATH on Windows.
    """

    library_path: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    default: tuple[str, ...] = ()
    cwd: str = ""
    path: tuple[str, ...] = ()


@record
class TorchLibraries:
    """Every file that may answer a name which torch's libraries ask for, wherever the loader could look for it.

    ``objects`` holds each of them once; ``starts`` are the paths with which loading begins: the interpreter, ctypes, what
    torch opens itself; ``later`` those that it opens when first used. ``preloads`` are what ``torch/__init__`` opens from the
    NVIDIA wheels, in its order, ``always`` or only when its first library does not load. ``cache`` answers names as
    ld.so.cache does. ``unread`` are files that no reader could make sense of.
    """

    objects: tuple[SharedObject, ...]
    starts: tuple[str, ...]
    later: tuple[str, ...] = ()
    preloads: tuple[str, ...] = ()
    preload_always: bool = False
    cache: tuple[tuple[str, str], ...] = ()
    nvidia_folders: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def at(self, path: str) -> SharedObject | None:
        """The object at ``path``."""
        return next((found for found in self.objects if found.path == path), None)


@record
class Loaded:
    """One name that was asked for, and what the loader answers it with.

    ``path`` is empty where nothing does; ``how`` is RPATH, LD_LIBRARY_PATH, RUNPATH, ld.so.cache, default, path, preload or
    loaded; ``asked_by`` is the first file that needs it, ``needed_by`` all of them; ``later`` marks what is opened only when
    first used.
    """

    name: str
    path: str
    how: str
    asked_by: str
    needed_by: tuple[str, ...] = ()
    later: bool = False


@record
class LoadedLibraries:
    """What ``import torch``, and torch's later work, will load, in order."""

    objects: tuple[Loaded, ...]

    @property
    def missing(self) -> tuple[Loaded, ...]:
        """Names that nothing answers."""
        return tuple(found for found in self.objects if not found.path)

    def get(self, name: str) -> Loaded | None:
        """What answers ``name``."""
        return next((found for found in self.objects if found.name == name), None)


@record
class LibraryVersion:
    """The version of a library file, as precisely as it can be had, and where that was read."""

    path: str
    version: str
    source: str


@record
class LibraryRival:
    """A second file for a name that torch uses: the one that is taken and one that another search order would take.

    ``place`` is how the other one would be found: LD_LIBRARY_PATH, ld.so.cache, default.
    """

    name: str
    taken: LibraryVersion
    other: LibraryVersion
    place: str


@record
class TorchRequirement:
    """A package that the installed torch asks for, with the version specifier of its metadata (``==9.24.0.43``)."""

    name: str
    specifier: str

    @property
    def pin(self) -> str:
        """The exact version, empty where the specifier is a range."""
        exact = self.specifier.startswith("==") and "," not in self.specifier
        return self.specifier[2:].removesuffix(".*") if exact else ""


@record
class TorchRequirements:
    """What the installed torch asks for on this system, the parts of ``cuda-toolkit`` included; extras left out."""

    packages: tuple[TorchRequirement, ...]

    def get(self, name: str) -> TorchRequirement | None:
        """The requirement on ``name``."""
        return next((found for found in self.packages if found.name == name), None)
