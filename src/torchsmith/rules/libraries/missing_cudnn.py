"""
# cuDNN is missing

## What it means
torch's CUDA libraries are linked with cuDNN. Without its front library `import torch` ends in "libcudnn.so.9: cannot open
shared object file"; without one of its parts (`libcudnn_ops`, `libcudnn_cnn` ...) the first convolution ends in "Could not load
library".

## How it is told
The loader is simulated over the files: what torch's libraries need, every RPATH, RUNPATH and LD_LIBRARY_PATH folder,
ld.so.cache. A cuDNN that lies in none of them is missing. The parts, which cuDNN opens by name, are looked for in the same way.

## What to do
Reinstall the cuDNN wheel in the version that this torch pins. It is an ordinary package: no system-wide installation is needed.

## What not to do
A cuDNN of another major does not do, nor does a link that gives it the missing name: the front library checks its parts'
versions. A cuDNN archive from NVIDIA's site, unpacked into the toolkit, is not found by torch's wheels.

## Sources
ld.so(8); Requires-Dist of torch's wheels; NVIDIA cuDNN, library layout.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LoadedLibraries, TorchLibraries, TorchRequirements
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least
from torchsmith.rules.libraries.common import CUDNN, askers, lost, names, requirement, restore
from torchsmith.rules.libraries.told import CHECK, by_you, cuda_major, install, name, tensorflow, torch_again, torch_said
from torchsmith.rules.readings import cudnn_not_found
from torchsmith.rules.readings.asker import asker


@rule("missing-cudnn")
def check(
    machine: Machine,
    torch: Torch,
    loaded_libraries: LoadedLibraries,
    torch_libraries: TorchLibraries,
    torch_requirements: TorchRequirements | Unknown,
    packages: Packages | Unknown,
) -> Iterator[Finding]:
    """A cuDNN library that torch needs is nowhere."""
    missing = lost(loaded_libraries, torch_libraries, CUDNN)
    if not missing:
        return
    later = all(found.later for found in missing)
    effect = "cuDNN cannot start without it" if later else "`import torch` fails"
    evidence = [
        Proof("loaded_libraries", f"{found.name}, needed by {askers(found)}, is in no folder of the loader")
        for found in missing[:8]
    ]
    wheel = next(
        (p for p in ("nvidia-cudnn-cu13", "nvidia-cudnn-cu12", "nvidia-cudnn-cu11") if _asked(torch_requirements, p)), None
    )
    if wheel and isinstance(packages, Packages):
        have = packages.version(wheel)
        wanted = requirement(wheel, torch_requirements, packages)
        state = f"{wheel} {have} is recorded as installed, but its files are gone" if have else f"{wanted} is not installed"
        evidence.append(Proof("packages", state))
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"{names(missing[:3])} {'is' if len(missing) == 1 else 'are'} missing: {effect}",
        evidence=tuple(evidence),
        remedies=restore(missing, torch, machine, torch_requirements, packages),
        wont_help=(
            WontHelp(
                "Installing cuDNN into the CUDA toolkit or the system", "this torch looks for the wheel's copy beside itself"
            ),
            WontHelp("Copying or linking another cuDNN to the missing name", "cuDNN's parts must all be of one version"),
        ),
    )


def _asked(requirements: TorchRequirements | Unknown, package: str) -> bool:
    return isinstance(requirements, TorchRequirements) and requirements.get(package) is not None


@told("missing-cudnn")
def answer(seen: Seen) -> Advice:
    """By who asks: for torch its own pinned release, for another program none that would replace it."""
    library = name(seen, "library") or name(seen, "tried") or name(seen, "asked") or "cuDNN"
    folder = r"Lib\site-packages\nvidia\cudnn\bin" if seen.os == "windows" else "lib/python3.x/site-packages/nvidia/cudnn/lib"
    return Advice(
        "machine",
        f"{library} is asked for and is not installed where the loader looks",
        remedies=(
            *_brought(library, seen),
            by_you(
                f"Name the wheel's folder ({folder}) in the loader's path of the program that asks", "torch finds it by itself"
            ),
        ),
        wont_help=(
            WontHelp("Copying single cuDNN files into the program's folder", "cuDNN's parts must all be of one version"),
            WontHelp("Linking another major to the missing name", "the functions inside differ"),
        ),
        decide_by=CHECK,
    )


def _brought(library: str, seen: Seen) -> tuple[Remedy, ...]:
    """What brings the library, and leaves the cuDNN that torch was linked with as it is."""
    wanted, here = cudnn_not_found.major_of(library), cudnn_not_found.ours(seen)
    complaint = next((c for c in seen.complaints if library in c.text), None)
    kind = asker(complaint, seen).kind if complaint else ""
    if kind == "tensorflow":
        return tensorflow(seen)
    if kind in {"torch", "companion"} or (not kind and seen.value("torch") and wanted in {0, here}):
        return _pinned(seen)
    if here and here == wanted:
        return _pinned(seen)
    if wanted and here:
        why = f"{torch_said(seen)} is linked with cuDNN {here}, and both majors share one folder"
        return (by_you(f"Install a release of the program that asks that is made for cuDNN {here}", why),)
    if wanted == 9:
        why = "the wheel brings all parts of cuDNN in one version; where torch is installed, it has brought its own"
        return (by_you("Install nvidia-cudnn-cu12==9.*", why, ("pip", "install", "nvidia-cudnn-cu12==9.*")),)
    said = f"cuDNN {wanted}" if wanted else "the cuDNN that it names"
    why = "there it takes the place of the cuDNN 9 that torch from 2.4 on is linked with" if wanted == 8 else ""
    return (by_you(f"Install {said} for the program that asks, not into an environment with a newer torch", why),)


def _pinned(seen: Seen) -> tuple[Remedy, ...]:
    """Torch's own wheel in the release that this torch pins; else torch again, which brings it."""
    from torchsmith.knowledge import torch_builds

    torch, machine = seen.value("torch"), seen.value("machine")
    platform = machine.platform if machine and machine.platform.startswith("linux") else "linux-x86_64"
    build = torch_builds.published(torch.version, torch.build, platform) if torch and seen.os != "windows" else None
    # the wheels up to 1.13 hold cuDNN themselves
    if build and build.cudnn and at_least(build.torch, "2.0"):
        wheel = f"nvidia-cudnn-cu{cuda_major(seen) or 12}=={build.cudnn}"
        return (install(seen, f"Reinstall {wheel}", f"the release that {torch_said(seen)} pins", wheel, again=True),)
    return torch_again(seen, "it brings cuDNN in the version that it was linked with")
