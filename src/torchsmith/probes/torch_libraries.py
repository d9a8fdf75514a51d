"""Every file that the loader could answer torch's needs with, and what torch opens itself."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.libraries import LoaderPaths, TorchLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.paths import normal
from torchsmith.model.pattern import pattern
from torchsmith.probes.loadable_files import Collector

LATER = ("libtorch_cuda_linalg.so", "libcaffe2_nvrtc.so")
_PRELOAD = pattern(r"""["'](\w+)["']\s*[,:]\s*["'](lib\w+(?:-\w+)?\.so)\.\*\[0-9\]["']""")
_CONDITION = pattern(r"""["']([\w./]+)["'] not in _maps""")
_LIMIT = 400


@probe
def torch_libraries(
    host: Host, machine: Machine, interpreter: Interpreter, torch: Torch, loader_paths: LoaderPaths
) -> Fact[TorchLibraries | None]:
    """Follow what torch's libraries need."""
    if machine.os == "windows":
        from torchsmith.probes.torch_dlls import collect

        return collect(host, interpreter, torch, loader_paths)

    def whole(path: str) -> bool:
        return path.startswith(torch.folder) or path.endswith("/libstdc++.so.6")

    return TorchFiles(host, interpreter, Collector(host, loader_paths, _LIMIT, whole)).collect(torch)


class TorchFiles:
    """What torch's libraries need, and what an interpreter that imports torch has opened by then."""

    def __init__(self, host: Host, interpreter: Interpreter, files: Collector) -> None:
        self._host, self._interpreter, self._files = host, interpreter, files
        self._starts: list[str] = []
        self._later: list[str] = []
        self._preloads: list[str] = []
        self._fallbacks: list[str] = []
        self._condition = ""

    def collect(self, torch: Torch) -> Fact[TorchLibraries | None]:
        """Everything that the fact holds; Unknown where torch has no libraries to begin with."""
        lib = normal(f"{torch.folder}/lib")
        if not self._files.look_into(lib):
            return Unknown("torch has no folder of libraries that can be read", (lib,))
        self.follow(torch)
        return Known(self.found(), f"{lib}, the folders of the loader")

    def follow(self, torch: Torch | None) -> None:
        """Describe the interpreter, torch where there is one, and all that they need."""
        files = self._files
        self._starts = self._interpreter_files()
        for folder in files.paths.library_path:
            files.look_into(folder)
        files.follow(self._starts)
        preload = files.paths.preload
        files.follow(path for path in preload if "/" in path)
        files.follow_names(name for name in preload if "/" not in name)
        if torch is None:
            return
        lib = normal(f"{torch.folder}/lib")
        files.look_into(lib)
        own = self._torch_files(torch, lib)
        self._preloads, self._condition, self._fallbacks = self._torch_opens(torch)
        files.follow([*own, *self._preloads, *self._fallbacks])
        self._starts += own
        self._later = [f"{lib}/{name}" for name in LATER if name in files.folders[lib]]
        files.follow(self._later)
        files.follow_opened()

    def found(self) -> TorchLibraries:
        """What was found up to now."""
        files = self._files
        return TorchLibraries(
            objects=tuple(files.objects.values()),
            starts=tuple(path for path in self._starts if path in files.objects),
            later=tuple(path for path in self._later if path in files.objects),
            preloads=tuple(self._preloads),
            preload_if=self._condition,
            fallbacks=tuple(self._fallbacks),
            cache=files.cache,
            nvidia_folders=tuple(folder for folder in files.folders if "/nvidia/" in folder and folder.endswith("/lib")),
            beside=tuple(self._beside()),
            unread=tuple(path for path, there in files.unread.items() if there),
        )

    def _interpreter_files(self) -> list[str]:
        """The executable by its real path, which is what ``$ORIGIN`` means to it, and ctypes, which opens libraries for torch."""
        real = self._host.real(self._interpreter.executable)
        found = [real.value if isinstance(real, Known) else self._interpreter.executable]
        folder = f"{self._interpreter.stdlib}/lib-dynload"
        names = self._host.names(folder)
        listed = names.value if isinstance(names, Known) else []
        return found + [f"{folder}/{name}" for name in listed if name.startswith("_ctypes.")][:1]

    def _torch_files(self, torch: Torch, lib: str) -> list[str]:
        names = self._host.names(torch.folder)
        modules = [n for n in (names.value if isinstance(names, Known) else []) if n.startswith("_C.") and n.endswith(".so")]
        tag = self._interpreter.cache_tag
        own = [name for name in modules if tag and f"_C.{tag}-" in name] or modules[:1]
        return [f"{lib}/libtorch_global_deps.so", *(f"{normal(torch.folder)}/{name}" for name in own[:1])]

    def _torch_opens(self, torch: Torch) -> tuple[list[str], str, list[str]]:
        """What ``torch/__init__.py`` opens from the NVIDIA wheels: always, on which condition, and as a fallback."""
        if torch.kind != "cuda":
            return [], "", []
        always, condition, fallback = parse_preloads(text_of(self._host.read(f"{torch.folder}/__init__.py", 1 << 18)))
        places = self._wheel_folders()
        return self._resolved(torch, always, places), condition, self._resolved(torch, fallback, places)

    def _wheel_folders(self) -> list[tuple[str, dict[str, str]]]:
        """For each entry of the search path that has them: wheel name -> its library folder."""
        found = []
        for entry in self._interpreter.search_path:
            root = normal(f"{entry}/nvidia")
            names = self._host.names(root)
            if isinstance(names, Known):
                lib = {name: f"{root}/{name}/lib" for name in names.value if not name.startswith(("_", "."))}
                found.append((entry, {name: folder for name, folder in lib.items() if self._files.look_into(folder)}))
        return found

    def _resolved(self, torch: Torch, wanted: list[tuple[str, str]], places: list[tuple[str, dict[str, str]]]) -> list[str]:
        major = f"cu{(torch.cuda or '').partition('.')[0]}"
        found = []
        for wheel, stem in wanted:
            for _, folders in places:
                candidates = [folders[name] for name in (wheel, major) if name in folders]
                hits = [
                    f"{f}/{n}"
                    for f in candidates
                    for n in sorted(self._files.folders[f])
                    if n.startswith(f"{stem}.") and n[-1].isdigit()
                ]
                if hits:
                    found.append(hits[0])
                    break
        return found

    def _beside(self) -> list[str]:
        """Libraries in LD_LIBRARY_PATH that differ by the version in their name from one that torch needs."""
        stems = {name.partition(".so.")[0]: name for name in self._files.names if ".so." in name}
        found = []
        for folder in self._files.paths.library_path:
            if folder in self._files.paths.default:
                continue
            names = sorted(self._files.folders.get(folder, ()))
            found += [f"{folder}/{n}" for n in names if (wanted := stems.get(n.partition(".so.")[0])) and not _same(n, wanted)]
        return found


def _same(name: str, wanted: str) -> bool:
    """Whether two names mean one library: ``libcublas.so.12.1.3.1`` lies behind ``libcublas.so.12``, so does ``libcublas.so``."""
    return name == wanted or name.startswith(f"{wanted}.") or wanted.startswith(f"{name}.")


def parse_preloads(source: str) -> tuple[list[tuple[str, str]], str, list[tuple[str, str]]]:
    """What ``torch/__init__.py`` opens itself: (wheel, library) always; the condition on that; what only as a fallback.

    Up to torch 2.5 it does so only when its first library did not load. 2.6 to 2.10 add NVRTC and nvJitLink whenever
    ``nvidia/cuda_runtime/lib/libcudart.so`` is loaded; later ones open all of them whenever any ``libcudart.so`` is.
    """
    start = source.find("def _load_global_deps")
    body = source[start : source.find("\nif ", start)] if start >= 0 else ""
    attempt, _, rescue = body.partition("except OSError as err")
    listed = _PRELOAD.findall(source[: max(start, 0)][-20_000:]) if "_preload_cuda_deps(err)" in rescue else []
    condition = _CONDITION.search(attempt)
    always = re.findall(r"""_preload_cuda_(?:deps|lib)\(\s*["'](\w+)["'],\s*["'](lib\w+\.so)\.\*\[0-9\]["']""", attempt)
    if condition and re.search(r"_preload_cuda_deps\((?:required=False)?\)", attempt):
        always = listed
    return always, condition[1] if condition else "", listed or _PRELOAD.findall(rescue)
