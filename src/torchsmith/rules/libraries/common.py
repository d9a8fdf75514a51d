"""What the library rules share: whose a library is, and how the right copy of it comes back."""

from __future__ import annotations

import re

from torchsmith.model.action import Command, Install
from torchsmith.model.facts.libraries import Loaded, LoadedLibraries, TorchLibraries, TorchRequirements
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Remedy, Safety
from torchsmith.model.known import Unknown
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import major, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CUDNN = pattern(r"libcudnn(?:_\w+)?\.so\.\d+|cudnn\w*64_\d+\.dll", re.IGNORECASE)
DRIVER = pattern(r"lib(?:cuda|nvidia-[\w-]+)\.so\.1|nvcuda\.dll|nvml\.dll", re.IGNORECASE)
TOOLKIT = pattern(
    r"lib(?:cudart|cublas|cublasLt|cufft|cufftw|curand|cusolver|cusolverMg|cusparse|cusparseLt|nvJitLink|nvrtc|nvrtc-builtins"
    r"|cupti|nccl|nvToolsExt|cufile|nvshmem_host)\.so(?:\.\d+)*"
    r"|(?:cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cusparseLt|nvrtc|nvrtc-builtins|nvToolsExt|cupti)64_[\d.]+(?:_\d)?\.dll"
    r"|nvJitLink_\d+_\d\.dll|cusparseLt\.dll",
    re.IGNORECASE,
)


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def folder_of(path: str) -> str:
    """A path without its last part."""
    return path.rpartition("/")[0]


def names(found: Iterable[Loaded]) -> str:
    """The names of libraries as one phrase."""
    return ", ".join(loaded.name for loaded in found)


def askers(loaded: Loaded) -> str:
    """Who needs a library, two of them named."""
    shown = [name_of(path) for path in loaded.needed_by]
    more = f" and {len(shown) - 2} more" if len(shown) > 2 else ""
    return ", ".join(shown[:2]) + more


def lost(loaded: LoadedLibraries, there: TorchLibraries, family: re.Pattern[str]) -> list[Loaded]:
    """The libraries of a family that the loader finds nowhere, not even under a folder that it does not search."""
    elsewhere = {found.name for found in there.objects}
    return [found for found in loaded.missing if family.fullmatch(found.name) and found.name not in elsewhere]


def package_of(name: str, torch: Torch, machine: Machine) -> str | None:
    """The NVIDIA wheel that brings a library to this torch, by the CUDA major of torch."""
    from torchsmith.knowledge import libraries

    cuda = major(torch.cuda) if torch.cuda else None
    return libraries.provider(name, cuda, machine.platform) or libraries.provider(name, None, machine.platform)


def requirement(package: str, requirements: TorchRequirements | Unknown | None, packages: Packages | Unknown) -> str:
    """The package as torch pins it, else as it is installed, else by its name."""
    asked = requirements.get(package) if isinstance(requirements, TorchRequirements) else None
    installed = packages.version(package) if isinstance(packages, Packages) else None
    pin = asked.pin if asked else ""
    if pin:
        return f"{package}=={pin}"
    if asked and asked.specifier:
        return f"{package}{asked.specifier}"
    return f"{package}=={installed}" if installed else package


def restore(
    found: Iterable[Loaded],
    torch: Torch,
    machine: Machine,
    requirements: TorchRequirements | Unknown | None,
    packages: Packages | Unknown,
) -> tuple[Remedy, ...]:
    """Bring missing libraries back the way they once came: by wheel, by conda, or with torch itself."""
    wheels = dict.fromkeys(package_of(loaded.name, torch, machine) for loaded in found)
    known = tuple(wheel for wheel in wheels if wheel)
    asked = requirements if isinstance(requirements, TorchRequirements) else TorchRequirements(())
    conda = packages.conda_record("pytorch") if isinstance(packages, Packages) else None
    if conda:
        again = Command(("conda", "install", "--force-reinstall", f"pytorch={conda.version}"))
        return (Remedy("Let conda put torch's libraries back", "conda installed this torch", Safety.DISPLAY_ONLY, (again,)),)
    if known and any(asked.get(wheel) or _installed(wheel, packages) for wheel in known):
        wanted = tuple(requirement(wheel, requirements, packages) for wheel in known)
        why = "exactly what this torch was built with; nothing else is touched"
        return (Remedy(f"Reinstall {', '.join(wanted)}", why, actions=(Install(wanted, reinstall=True),)),)
    from torchsmith.knowledge import torch_builds

    index = torch_builds.index_url(torch.build) if "+" in torch.version else None
    again_torch = Install((f"torch=={torch.version if index else public(torch.version)}",), index, reinstall=True)
    return (Remedy("Reinstall this torch", "this build carries its CUDA libraries itself", actions=(again_torch,)),)


def _installed(wheel: str, packages: Packages | Unknown) -> bool:
    return isinstance(packages, Packages) and packages.get(wheel) is not None
