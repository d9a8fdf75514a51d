"""
# Another package's installation replaced torch

## What it means
A package that pins one torch (vLLM, xformers, a requirements file ...) was installed, and the installer put that
torch in place of the one that worked: from the default index, so with another CUDA or none. What was installed with
the old torch is left beside the new one.

## How it is told
The installed torch is the very version that a package asks for with `==`, it was not installed by name, and it
differs from what stands beside it: companions with another CUDA label, or CUDA libraries that a CPU build has no use
for.

## What to do
Install the wanted build again and keep it: install such a package with a constraints file or `--no-deps`, or torch
last from its index.

## What not to do
Reinstalling torch by hand each time without a constraint: the next installation replaces it again.

## Sources
PEP 376 (REQUESTED); METADATA of the installed packages.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import TorchInstall, TorchPin, TorchPins
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import local_label, public
from torchsmith.rules.common import reinstall
from torchsmith.rules.wheel.told import LOOK, cuda_torch

_EXPLAINS = ("cpu-only-build", "torchvision-mismatch", "wrong-index-for-platform", "xformers-mismatch")
_SIBLINGS = ("torchvision", "torchaudio")


@rule("dependency-replaced-torch", explains=_EXPLAINS)
def check(
    torch: Torch,
    torch_install: TorchInstall,
    torch_pins: TorchPins,
    packages: Packages,
    gpus: Gpus | Unknown | None,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """Who pins this version, and what the old torch left behind; without the first nobody is accused."""
    # Only pip and uv mark what was asked for by name.
    if torch_install.requested or torch_install.url or torch_install.installer not in {"pip", "uv"}:
        return
    pins = [pin for pin in torch_pins.pins if public(pin.torch) == public(torch.version) and pin.package not in _SIBLINGS]
    pins = [pin for pin in pins if not _older(pin, torch_install)]
    left = _left(torch, packages)
    has_gpu = isinstance(gpus, Gpus) and bool(gpus)
    if not pins or not (left or (torch.kind == "cpu" and has_gpu)) or local_label(torch_install.version) not in {"", "cpu"}:
        return
    culprit = pins[0]
    yield Finding(
        Severity.BLOCKER if torch.kind == "cpu" and has_gpu else Severity.DEGRADED,
        "package:torch",
        f"{culprit.package} {culprit.version} asks for torch=={culprit.torch}, and its installation put {torch.version} here",
        evidence=(
            Proof("torch_pins", f"{culprit.package} {culprit.version} requires torch=={culprit.torch}"),
            Proof("torch_install", f"torch {torch_install.version} came as a dependency (no REQUESTED mark)"),
            *(Proof("packages", f"left from before: {package.name} {package.version}") for package in left[:4]),
        ),
        remedies=reinstall(fitting_build, f"then hold it with a constraint, or {culprit.package} replaces it again"),
        wont_help=(WontHelp("Updating the driver", "the installed torch is another one than was chosen"),),
        confidence=0.85 if left else 0.65,
    )


def _left(torch: Torch, packages: Packages) -> list[Package]:
    """What belongs to another torch than this one."""
    label = f"+{torch.build}"
    found = [p for p in packages.installed if "+cu" in p.version and not p.version.endswith(label) and p.name != "torch"]
    if torch.kind == "cpu":
        found += [p for p in packages.starting("nvidia-cudnn") if p not in found]
    return found


def _older(pin: TorchPin, install: TorchInstall) -> bool:
    """Whether torch was put there long after the package: then its installation was another step."""
    return pin.when is not None and install.when is not None and install.when > pin.when + 3600


@told("dependency-replaced-torch")
def answer(seen: Seen) -> Advice:
    """Names the package that brought its own torch where the log does."""
    old = seen.captured("version", "torch-uninstalled", "uv-replaces-torch")
    new = seen.captured("version", "uv-adds-torch", "torch-downloaded")
    culprit = seen.captured("by", "torch-came-with-package")
    change = f": {old} went" + (f", {new} came" if new and new != old else "") if old else ""
    constraint = f"torch=={old}" if old else "torch==VERSION+LABEL"
    return Advice(
        "package:torch",
        f"The installation of {culprit or 'another package'} put its own torch in place of the one that was there{change}",
        (
            *cuda_torch(seen, "the build that was there before"),
            Remedy(
                f"Hold it while other packages are installed: a constraints file with the line {constraint}, or --no-deps",
                "else the next installation replaces it again",
                Safety.DISPLAY_ONLY,
            ),
        ),
        (
            WontHelp("Reinstalling torch each time without a constraint", "the package asks for its own torch again"),
            WontHelp("Updating the driver", "the installed torch is another one than was chosen"),
        ),
        (LOOK,),
    )
