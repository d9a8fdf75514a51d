"""Shared libraries: what the files say, where the loader looks, and what it will take."""

from __future__ import annotations

from torchsmith.model.record import record, replace

# The parts that every cuDNN of a major has. libcudnn opens them by name; of cuDNN 9, libcudnn_graph opens the engines and the
# heuristics (seen in 9.1 to 9.26: "Unable to load any of {libcudnn_engines_...}" comes from there).
CUDNN_PARTS = {
    8: ("ops_infer", "ops_train", "cnn_infer", "cnn_train", "adv_infer", "adv_train"),
    9: ("graph", "ops", "cnn", "adv", "engines_runtime_compiled", "heuristic"),
}
STORES = ("/nix/store/", "/gnu/store/")
CUDNN_OPENED_BY_GRAPH = ("libcudnn_engines_", "libcudnn_heuristic.")


@record
class SharedObject:
    """A library or executable as its own headers describe it.

    ``rpath`` and ``runpath`` are lists of folders with ``$ORIGIN`` filled in, None where the file has none; a file with a
    RUNPATH has no effective RPATH. ``glibcxx`` is the highest version of libstdc++'s symbols that it needs,
    ``has_glibcxx`` the highest that it offers. ``version`` of a Windows file is that of its version resource.
    ``identity`` is alike for two paths of one file, empty where it was not asked; ``interpreter`` is a program's loader;
    ``no_default`` marks a file that does not want the system's folders searched (DF_1_NODEFLIB); ``auxiliary`` names what is
    loaded with it if it is there (DT_AUXILIARY).
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
    identity: str = ""
    interpreter: str = ""
    no_default: bool = False
    auxiliary: tuple[str, ...] = ()

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

    On Linux ``library_path`` is LD_LIBRARY_PATH, ``preload`` LD_PRELOAD, ``default`` the system's own folders. On Windows
    ``default`` is the folder of python.exe, those that torch adds, and System32, which is also ``system``; ``library_path``
    is PATH, which is looked at only when nothing else helps.

    ``hwcaps`` are the sub-folders that glibc searches before each folder itself, the best first
    (``glibc-hwcaps/x86-64-v3``); ``lib`` and ``platform`` are what ``$LIB`` and ``$PLATFORM`` mean in a RPATH; ``musl`` marks
    the other C library, whose loader has other rules.
    """

    library_path: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    default: tuple[str, ...] = ()
    system: str = ""
    cwd: str = ""
    hwcaps: tuple[str, ...] = ()
    lib: str = ""
    platform: str = ""
    musl: bool = False

    def under(self, loader: str) -> LoaderPaths:
        """The paths as a program's own ``loader`` takes them: that of Nix or Guix knows its own folder and no system cache."""
        if not loader.startswith(STORES):
            return self
        return replace(self, default=(loader.rpartition("/")[0],))


@record
class TorchLibraries:
    """Every file that may answer a name which torch's libraries ask for, wherever the loader could look for it.

    ``objects`` holds each of them once. ``starts`` are the paths with which loading begins, in order: the interpreter,
    ctypes, what torch opens itself; ``later`` those that it opens when first used. ``preloads`` are what ``torch/__init__``
    opens from the NVIDIA wheels before anything else, if a file with ``preload_if`` in its path is loaded by then;
    ``fallbacks`` what it opens if its first library does not load. ``cache`` answers names as ld.so.cache does.
    ``nvidia_folders`` are the library folders of the NVIDIA wheels, ``beside`` files in LD_LIBRARY_PATH whose name differs
    from one that torch needs only by its version. ``unread`` are files that are no libraries.
    """

    objects: tuple[SharedObject, ...]
    starts: tuple[str, ...]
    later: tuple[str, ...] = ()
    preloads: tuple[str, ...] = ()
    preload_if: str = ""
    fallbacks: tuple[str, ...] = ()
    cache: tuple[tuple[str, str], ...] = ()
    nvidia_folders: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@record
class Loaded:
    """One name that was asked for, and what the loader answers it with.

    ``path`` is empty where nothing does; ``how`` is RPATH, LD_LIBRARY_PATH, RUNPATH, ld.so.cache, default or path;
    ``needed_by`` are the files that ask for it, the first one first; ``later`` marks what is opened only when first used.
    ``others`` are files of the same name that another search order would take.
    """

    name: str
    path: str
    how: str
    needed_by: tuple[str, ...] = ()
    later: bool = False
    others: tuple[str, ...] = ()


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
    """The version of a library file, and what says so: its own ``symbol`` or ``resource``, its full ``name``, its ``wheel``.

    ``real`` is the path with links resolved; ``version`` is empty where nothing says it.
    """

    path: str
    version: str
    source: str = ""
    real: str = ""


@record
class LibraryVersions:
    """Versions of the files that stand against another file of the same name."""

    versions: tuple[LibraryVersion, ...]

    def of(self, path: str) -> str:
        """The version of the file at ``path``, empty if nobody says."""
        return next((found.version for found in self.versions if found.path == path), "")

    def real(self, path: str) -> str:
        """The path of the file behind links."""
        return next((found.real for found in self.versions if found.path == path and found.real), path)


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


@record
class WheelClash:
    """Two or more installed NVIDIA wheels of one component, such as ``nvidia-nccl-cu11`` and ``nvidia-nccl-cu12``.

    ``shared`` counts the files that more than one of them wrote; ``libraries`` are libraries among these, each with the
    wheel whose copy is there now (empty if it is nobody's), told by its size.
    """

    component: str
    packages: tuple[tuple[str, str], ...]
    shared: int
    libraries: tuple[tuple[str, str], ...] = ()


@record
class WheelClashes:
    """All of them; empty in a clean environment."""

    clashes: tuple[WheelClash, ...]


@record
class CudaConsumer:
    """A package that brings libraries of its own which need CUDA or cuDNN, beside torch.

    ``needs`` are library names; ``on_path`` those that the loader finds without torch's help, ``in_wheels`` those that lie
    in a folder of the NVIDIA wheels: (name, path) both.
    """

    package: str
    version: str
    path: str
    needs: tuple[str, ...]
    on_path: tuple[tuple[str, str], ...] = ()
    in_wheels: tuple[tuple[str, str], ...] = ()


@record
class CudaConsumers:
    """Those that are installed."""

    consumers: tuple[CudaConsumer, ...]


@record
class OpenmpRuntime:
    """A file of an OpenMP runtime in the environment; ``family`` is intel (libiomp5), llvm (libomp) or gnu (libgomp)."""

    path: str
    family: str
    owner: str


@record
class OpenmpRuntimes:
    """All that lie where torch or NumPy would load them from."""

    runtimes: tuple[OpenmpRuntime, ...]
