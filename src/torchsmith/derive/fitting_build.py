"""The torch build that the remedies of ``check`` name: published, for every GPU here, and runnable by the driver."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Packages
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.knowledge.torch_builds import Build


@derivation
def fitting_build(
    machine: Machine,
    interpreter: Interpreter,
    gpus: Gpus,
    driver: Driver | Unknown | None,
    torch: Torch | Unknown | None,
    packages: Packages | Unknown,
) -> Fact[FittingBuild | None]:
    """The installed release first, else the nearest one; Known(None) where no published build serves these GPUs."""
    capabilities = tuple(sorted({device.sm for device in gpus if device.sm}))
    if not capabilities:
        return Known(None, "no NVIDIA GPU of known compute capability")
    from torchsmith.knowledge import companions, torch_builds  # a machine without a GPU spares the tables

    found = torch_builds.fitting(
        capabilities,
        platform=machine.platform,
        driver=driver.version or None if isinstance(driver, Driver) else None,
        windows=machine.os == "windows",
        python_tag=interpreter.tag,
        torch=torch.version if isinstance(torch, Torch) else None,
    )
    if not found:
        return Known(None, "no published build has code for these GPUs, this driver and this Python")
    best = found[0]
    belonging = companions.for_torch(best.torch)
    have = packages if isinstance(packages, Packages) else Packages(())
    pairs = (("torchvision", belonging.torchvision), ("torchaudio", belonging.torchaudio)) if belonging else ()
    kept = tuple((name, version) for name, version in pairs if version and have.get(name))
    needs = "" if isinstance(driver, Driver) and driver.version else _needs(best, capabilities, machine)
    return Known(FittingBuild(best.torch, best.build, best.index_url, kept, best.evidence, needs), "table of published builds")


def _needs(build: Build, capabilities: tuple[int, ...], machine: Machine) -> str:
    """The oldest driver that runs the build and knows the GPUs."""
    from torchsmith.knowledge import drivers

    windows = machine.os == "windows"
    floors = [
        drivers.needed(build.cuda or "", windows=windows),
        *(drivers.floor_for_sm(sm, windows=windows) for sm in capabilities),
    ]
    return max((floor for floor in floors if floor), key=key, default="")
