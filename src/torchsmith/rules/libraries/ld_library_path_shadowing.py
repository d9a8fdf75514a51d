"""
# LD_LIBRARY_PATH puts other libraries before torch's own

## What it means
LD_LIBRARY_PATH is searched before the folders that a library names in its RUNPATH, and after those that it names in its RPATH.
torch's own libraries have an RPATH, but several of NVIDIA's have a RUNPATH: cuDNN's parts, cuBLAS, cuSPARSE, cuSOLVER. So the
engines of cuDNN 9, which `libcudnn_graph` opens, come from LD_LIBRARY_PATH even where its front library does not. With a CUDA
toolkit, a module system's or a container's folders in LD_LIBRARY_PATH, torch then runs with a mixture of two versions:
"undefined symbol: __nvJitLink...", "cuDNN version incompatibility", CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH.

## How it is told
The loader is simulated: for each name, what is taken and what stands in torch's own folders. Only a file that is really taken
counts, and only where its version differs. Other versions in LD_LIBRARY_PATH that torch itself passes over are a note: another
package may take them.

## What to do
Unset LD_LIBRARY_PATH for torch's process, or take the folder out of it where it is set: shell start-up files, `module load`, a
Dockerfile, a systemd unit, sudo's configuration.

## What not to do
Reinstalling torch or NVIDIA's wheels changes nothing, for they are passed over. Neither does installing that CUDA version, or
linking files to other names.

## Sources
ld.so(8), search order; NVIDIA cuDNN, sub-library versions; pytorch issues 111469 and 138460.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable, UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LibraryVersions, Loaded, LoadedLibraries, LoaderPaths, TorchLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import key, public
from torchsmith.rules.libraries.common import CUDNN, TOOLKIT, folder_of, name_of, package_of
from torchsmith.rules.libraries.told import CHECK, by_you, unset


@rule(
    "ld-library-path-shadowing",
    explains=("missing-cuda-runtime-lib", "missing-cudnn", "nccl-mismatch", "two-cuda-runtimes"),
    systems=("linux",),
)
def check(
    machine: Machine,
    torch: Torch,
    loaded_libraries: LoadedLibraries,
    library_versions: LibraryVersions,
    loader_paths: LoaderPaths,
    torch_libraries: TorchLibraries,
    packages: Packages | Unknown,
) -> Iterator[Finding]:
    """What LD_LIBRARY_PATH really takes away from torch, else what lies there ready for others."""
    versions = _Versions(machine, torch, library_versions, packages)
    taken: list[tuple[Loaded, str, str]] = []
    passed: list[tuple[Loaded, str, str]] = []
    for loaded in loaded_libraries.objects:
        if not (CUDNN.fullmatch(loaded.name) or TOOLKIT.fullmatch(loaded.name) or loaded.name.startswith(("libtorch", "libc10"))):
            continue
        foreign = [path for path in (loaded.path, *loaded.others) if folder_of(path) in loader_paths.library_path]
        own = [path for path in (loaded.path, *loaded.others) if path and path not in foreign]
        if not foreign or not own or versions.same(foreign[0], own[0], loaded.name):
            continue
        if loaded.how == "LD_LIBRARY_PATH":
            taken.append((loaded, foreign[0], own[0]))
        elif versions.of(foreign[0], loaded.name) and versions.of(own[0], loaded.name):
            passed.append((loaded, foreign[0], own[0]))
    if taken:
        yield _shadowed(taken, versions, loader_paths.library_path)
        return
    beside = [path for path in torch_libraries.beside if CUDNN.match(name_of(path)) or TOOLKIT.match(name_of(path))]
    others = [
        f"{versions.said(foreign, loaded.name)}; torch's is {versions.of(own, loaded.name)}" for loaded, foreign, own in passed
    ]
    if others or beside:
        yield _at_hand(others + beside, [foreign for _, foreign, _ in passed] + beside, torch)


class _Versions:
    """Versions of files: read from them, or of the wheel that they belong to."""

    def __init__(self, machine: Machine, torch: Torch, read: LibraryVersions, packages: Packages | Unknown) -> None:
        self._machine, self._torch, self._read, self._packages = machine, torch, read, packages

    def of(self, path: str, name: str) -> str:
        if version := self._read.of(path):
            return version
        wheel = package_of(name, self._torch, self._machine)
        package = self._packages.get(wheel) if wheel and isinstance(self._packages, Packages) else None
        return package.version if package and path.startswith(f"{package.folder}/nvidia/") else ""

    def same(self, one: str, other: str, name: str) -> bool:
        """Whether they are one file, or both versions are known and equal, as far as the shorter one goes."""
        if self._read.real(one) == self._read.real(other):
            return True
        a, b = key(public(self.of(one, name))), key(public(self.of(other, name)))
        width = min(len(a), len(b))
        return bool(width) and a[:width] == b[:width]

    def said(self, path: str, name: str) -> str:
        """The path with its version, where that is known."""
        version = self.of(path, name)
        return f"{path} ({version})" if version else path


def _shadowed(taken: list[tuple[Loaded, str, str]], versions: _Versions, searched: tuple[str, ...]) -> Finding:
    """The finding for libraries that are taken from LD_LIBRARY_PATH."""
    cudnn = [entry for entry in taken if CUDNN.fullmatch(entry[0].name)]
    chosen = (cudnn or taken)[0]
    loaded, foreign, own = chosen
    theirs, ours = versions.of(foreign, loaded.name), versions.of(own, loaded.name)
    what = "cuDNN" if cudnn else loaded.name
    older = bool(theirs and ours) and key(theirs) < key(ours)
    known = (
        f"{what} {theirs} is taken from it instead of torch's {ours}" if theirs and ours else f"{what} is taken from {foreign}"
    )
    harmless_newer = bool(theirs and ours) and not older and not cudnn
    return Finding(
        Severity.DEGRADED if harmless_newer or not (theirs and ours) else Severity.BLOCKER,
        "package:torch",
        f"LD_LIBRARY_PATH puts other libraries before torch's own: {known}",
        evidence=(
            *(
                Proof("loaded_libraries", f"{e.name}: {versions.said(other, e.name)} instead of {versions.said(mine, e.name)}")
                for e, other, mine in (cudnn or taken)[:8]
            ),
            Proof("loader_paths", f"LD_LIBRARY_PATH={':'.join(dict.fromkeys(folder_of(other) for _, other, _ in taken))}"),
        ),
        remedies=(
            Remedy(
                "Take these folders out of LD_LIBRARY_PATH",
                "torch finds its own libraries without them; look for what sets it, or it comes back in the next shell",
                actions=(_without(searched, {folder_of(other) for _, other, _ in taken}),),
            ),
        ),
        wont_help=(
            WontHelp("Reinstalling torch or NVIDIA's wheels", "their files are fine; they are passed over"),
            WontHelp("Installing the CUDA toolkit of torch's version", "the folders in LD_LIBRARY_PATH would still come first"),
        ),
        confidence=0.95 if theirs and ours else 0.75,
    )


def _without(searched: tuple[str, ...], folders: set[str]) -> SetVariable | UnsetVariable:
    """The variable without some folders: what stays may be the driver's own."""
    kept = [folder for folder in searched if folder not in folders]
    return SetVariable("LD_LIBRARY_PATH", ":".join(kept)) if kept else UnsetVariable("LD_LIBRARY_PATH")


def _at_hand(said: list[str], paths: list[str], torch: Torch) -> Finding:
    folders = tuple(dict.fromkeys(folder_of(path) for path in paths))
    shown = ", ".join(dict.fromkeys(name_of(path) for path in paths[:3])) + (" ..." if len(paths) > 3 else "")
    return Finding(
        Severity.NOTE,
        "package:torch",
        f"LD_LIBRARY_PATH names other versions of CUDA libraries ({shown}); torch {torch.version} itself takes its own",
        evidence=(
            Proof("loader_paths", "LD_LIBRARY_PATH=" + ":".join(folders)),
            *(Proof("torch_libraries", text) for text in said[:6]),
        ),
        remedies=(
            Remedy(
                "Start torch without LD_LIBRARY_PATH if another package fails with a CUDA library",
                "packages that open CUDA libraries by name would take these",
                actions=(UnsetVariable("LD_LIBRARY_PATH"),),
            ),
        ),
        confidence=0.9,
    )


@told("ld-library-path-shadowing")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    loaded, wanted = seen.captured("loaded", "xla-cudnn-version"), seen.captured("wanted", "xla-cudnn-version")
    plain = re.fullmatch(r"[\d.]+ [\d.]+", f"{loaded} {wanted}")
    what = (
        f"cuDNN {loaded} is loaded where {wanted} belongs"
        if plain
        else "CUDA libraries of another version are loaded before those of the wheels"
    )
    return Advice(
        "environment",
        f"{what}: LD_LIBRARY_PATH, a module or conda puts a foreign folder in front",
        remedies=(
            unset(
                "LD_LIBRARY_PATH",
                "Start Python without LD_LIBRARY_PATH",
                "the wheels find their own libraries beside themselves",
            ),
            by_you("Take the CUDA folders out of ~/.bashrc, the Dockerfile's ENV or the loaded modules", "so that it stays out"),
        ),
        wont_help=(
            WontHelp("Reinstalling torch", "its own libraries are whole; others are taken"),
            WontHelp("Installing the CUDA version of torch system-wide", "the next torch is linked with the next one"),
            WontHelp("Linking one version to the other's name", "symbols carry versions and are missed all the same"),
        ),
        decide_by=CHECK,
    )
