"""What Windows binaries of an inspected folder need: the process around them, told from the folders, then the simulation."""

from __future__ import annotations

from torchsmith.derive import dll_folders
from torchsmith.derive.windows_loader import Pool, as_file
from torchsmith.derive.windows_needs import WindowsSite, commonest_machine, windows_needs
from torchsmith.host.base import text_of
from torchsmith.model.known import Known
from torchsmith.model.paths import normal
from torchsmith.model.pattern import pattern
from torchsmith.model.windows_process import Added, Dll, WindowsProcess
from torchsmith.probes.torch import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.app.foreign_sites import Sites
    from torchsmith.model.facts.python import Interpreter
    from torchsmith.model.library_needs import LibraryNeeds

LOADABLE = (".dll", ".pyd", ".exe", ".drv", ".ocx")
SOURCE_LIMIT = 1 << 20
DESCRIBED_LIMIT = 20_000
"""DLLs that are read only because they could answer a name."""
_PYTHON = pattern(r"python3(\d{1,2})(t?)(?:_d)?\.dll")
_ALWAYS = frozenset(("pywin32",))
"""Packages that add their folder when Python starts."""


def needs(sites: Sites, site: str, interpreter: Interpreter | None, *, here: bool) -> LibraryNeeds:
    """The needs of the entries of one site; ``here`` says that this is the Windows that they would run on."""
    return _Site(sites, site, interpreter, here=here).needs()


class _Site:
    """One site-packages, or a folder that stands for one."""

    def __init__(self, sites: Sites, site: str, interpreter: Interpreter | None, *, here: bool) -> None:
        self._sites, self._site, self._interpreter, self._here = sites, site, interpreter, here
        self._objects = sites.shown[site]
        self._system = f"{normal(self._variable('SystemRoot') or 'C:/Windows')}/System32"
        self._prefix = normal(interpreter.prefix) if interpreter else ""
        self._base = normal(interpreter.base_prefix) if interpreter else ""
        self._torch = f"{site}/torch" if "version.py" in sites.names(f"{site}/torch") else ""

    def needs(self) -> LibraryNeeds:
        """The answer of the simulation."""
        program = self._program()
        python, free_threaded = self._python(program)
        conda = bool(self._interpreter and self._interpreter.kind == "conda")
        version = text_of(self._sites.host.read(f"{self._torch}/version.py", SOURCE_LIMIT)) if self._torch else ""
        torch = parse(self._torch, version) if version else None
        adds = dll_folders.package_adds(self._site, self._folders())
        always = tuple(added for added in adds if added.folder.lower().endswith(".libs") or added.by in _ALWAYS)
        search = tuple(normal(entry) for entry in self._variable("PATH").split(";") if entry.strip())
        process = WindowsProcess(
            program=program,
            brings=() if program else dll_folders.brings(python, free_threaded=free_threaded),
            added=(*(dll_folders.conda_adds(self._prefix, python) if conda else ()), *always),
            search=search,
            system=self._system,
            machine=self._machine(),
            listed=self._listed(),
        )
        site = WindowsSite(
            process=process,
            own=tuple((self._package(added), added) for added in adds if added not in always),
            torch=self._torch,
            torch_added=self._torch_adds(torch.cuda if torch else None) if self._torch else (),
            python=python,
            conda=conda,
            cuda=int(torch.cuda.partition(".")[0]) if torch and torch.cuda else None,
        )
        folders = (program, *(added.folder for added in (*process.added, *adds)), *site.torch_added, *search)
        pool = Pool(self._dlls(folders))
        return windows_needs(site, pool, self._objects)

    def _machine(self) -> str:
        """The processor that its Python is for: that of the extension modules, else of all."""
        binaries = [self._sites.binaries[path] for path in self._objects]
        modules = [binary.machine for binary in binaries if binary.abi.python]
        return commonest_machine(modules or (binary.machine for binary in binaries))

    def _variable(self, name: str) -> str:
        fact = self._sites.host.variable(name) if self._here else None
        return (fact.value if isinstance(fact, Known) else None) or ""

    def _listed(self) -> tuple[str, ...] | None:
        """What System32 holds, where this machine has one."""
        found = self._sites.host.names(self._system) if self._here else None
        return tuple(found.value) if isinstance(found, Known) else None

    def _program(self) -> str:
        """The folder of python.exe; a virtual environment starts that of its base. "" where it cannot be looked into."""
        return next((folder for folder in (self._base, self._prefix) if folder and "python.exe" in self._sites.names(folder)), "")

    def _python(self, program: str) -> tuple[tuple[int, int], bool]:
        """Version, and whether free-threaded: of the interpreter, of its DLL, else of the one that most modules ask for."""
        said = (self._interpreter.version if self._interpreter else "").split(".")
        if len(said) > 1 and said[0].isdecimal() and said[1].isdecimal():
            return (int(said[0]), int(said[1])), bool(self._interpreter and self._interpreter.free_threaded)
        names = [name.lower() for path in self._objects for name in self._sites.binaries[path].needed]
        for listed in (self._sites.names(program) if program else (), names):
            found = [name for name in listed if _PYTHON.fullmatch(name)]
            matched = _PYTHON.fullmatch(max(found, key=found.count, default=""))
            if matched:
                return (3, int(matched[1])), bool(matched[2])
        return (3, 12), False

    def _folders(self) -> list[str]:
        """Those of the site that a package may add, as far as they exist."""
        names = self._sites.names(self._site)
        found = [f"{self._site}/{name}" for name in names.values() if "." not in name or name.lower().endswith(".libs")]
        inner = [f"{self._site}/{name}/bin" for low, name in names.items() if low.startswith("_rocm_sdk_")]
        opencv = normal(f"{self._site}/cv2/../../x64/vc17/bin")
        return found + [folder for folder in (*inner, opencv) if self._sites.names(folder)]

    def _package(self, added: Added) -> str:
        """The folder whose modules are imported after the package has added its own."""
        return f"{self._site}/{'cv2' if added.by == 'opencv' else added.by}"

    def _torch_adds(self, cuda: str | None) -> tuple[str, ...]:
        source = text_of(self._sites.host.read(f"{self._torch}/__init__.py", SOURCE_LIMIT))
        names = ("ProgramFiles", "NVTOOLSEXT_PATH", *((f"CUDA_PATH_V{cuda.replace('.', '_')}",) if cuda else ()))
        variables = tuple((name, value) for name in names if (value := self._variable(name)))
        places = dll_folders.Places(self._prefix or self._site, self._base or self._prefix or self._site, "", variables)
        prefixes = (f"{places.prefix}/Library/bin", f"{places.base_prefix}/Library/bin", f"{places.prefix}/bin")
        candidates = [f"{self._torch}/lib", *prefixes]
        if self._here:
            programs = places.variable("ProgramFiles", "C:/Program Files")
            candidates += [
                f"{places.variable('NVTOOLSEXT_PATH', f'{programs}/NVIDIA Corporation/NvToolsExt')}/bin/x64",
                f"{places.variable(names[-1], f'{programs}/NVIDIA GPU Computing Toolkit/CUDA/v{cuda}')}/bin",
            ]
        there = {folder: found for folder in map(normal, candidates) if (found := self._sites.names(folder))}
        return dll_folders.torch_adds(source, self._torch, cuda, places, there)

    def _dlls(self, folders: Iterable[str]) -> Iterable[Dll]:
        """The entries, torch's own, and whatever else could answer a name that one of them, or such a file, asks for."""
        waiting = []
        for path in self._objects:
            binary = self._sites.binaries[path]
            waiting.append(Dll(path, binary.machine, binary.needed, binary.delay_needed))
        named = self._named((*(dll.folder for dll in waiting), *filter(None, folders)))
        seen = {dll.path.lower() for dll in waiting}
        for dll in waiting:  # grows while it is walked
            yield dll
            asked = (named.pop(as_file(name), []) for name in (*dll.needed, *dll.delay_needed))
            wanted = self._torchs() if dll is waiting[0] else []
            for path in (*wanted, *(path for paths in asked for path in paths)):
                if path.lower() not in seen and len(seen) < DESCRIBED_LIMIT + len(self._objects):
                    seen.add(path.lower())
                    waiting.append(self._described(path))

    def _named(self, folders: Iterable[str]) -> dict[str, list[str]]:
        """Every loadable file of the folders, by its name in lower case."""
        named: dict[str, list[str]] = {}
        for folder in dict.fromkeys(folders):
            for low, name in self._sites.names(folder).items():
                if low.endswith(LOADABLE):
                    named.setdefault(low, []).append(f"{folder}/{name}")
        return named

    def _torchs(self) -> list[str]:
        """What ``import torch`` loads: all that lies in its library folder, and its extension module."""
        if not self._torch:
            return []
        lib, core = self._sites.names(f"{self._torch}/lib"), self._sites.names(self._torch)
        found = [f"{self._torch}/lib/{name}" for low, name in lib.items() if low.endswith(".dll")]
        return found + [f"{self._torch}/{n}" for low, n in core.items() if low.startswith("_c.") and low.endswith(".pyd")]

    def _described(self, path: str) -> Dll:
        """A DLL that was not read yet; one that cannot be read counts as one that is there."""
        answer = self._sites.host.binary("shared", path)
        if not isinstance(answer, Known):
            return Dll(path)
        found = answer.value
        return Dll(path, found["machine"], tuple(found["needed"]), tuple(found["delay_needed"]))
