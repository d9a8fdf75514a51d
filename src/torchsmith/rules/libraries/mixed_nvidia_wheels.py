"""
# NVIDIA's wheels for several CUDA majors are mixed

## What it means
`nvidia-nccl-cu11` and `nvidia-nccl-cu12` write to the same folder, `nvidia/nccl/lib`, often under the same file name. The one
installed last wins, and torch meets a library that it was not linked with: "undefined symbol: ncclCommRegister",
"__nvJitLinkComplete_12_4". The names without a suffix, of CUDA 13, have a folder of their own; what is left over from CUDA 12
beside them does no harm.

## How it is told
Packages of one component for two CUDA majors; the files that both list in their RECORD; and by the size of each such library,
whose copy is there now.

## What to do
Remove the wheels that torch does not ask for, then reinstall those that it does: removing one takes files of the other with it.

## What not to do
LD_LIBRARY_PATH does not bring back a file that was overwritten.

## Sources
RECORD of the wheels; Requires-Dist of torch.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Install, Uninstall
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import TorchRequirements, WheelClash, WheelClashes
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.libraries.common import name_of, requirement
from torchsmith.rules.libraries.told import CHECK, by_you, torch_again


@rule("mixed-nvidia-wheels", explains=("nccl-mismatch", "two-cuda-runtimes"))
def check(
    torch: Torch, wheel_clashes: WheelClashes, torch_requirements: TorchRequirements | Unknown, packages: Packages
) -> Iterator[Finding]:
    """Wheels of one component that torch asks for, and others of it."""
    if not isinstance(torch_requirements, TorchRequirements) or torch.kind != "cuda":
        return
    asked = {required.name for required in torch_requirements.packages}
    clashes = [clash for clash in wheel_clashes.clashes if any(name in asked for name, _ in clash.packages)]
    if not clashes:
        return
    wanted = tuple(name for clash in clashes for name, _ in clash.packages if name in asked)
    strangers = tuple(name for clash in clashes for name, _ in clash.packages if name not in asked)
    if not strangers:
        return
    lost = [(path, owner) for clash in clashes for path, owner in clash.libraries if owner not in wanted]
    shared = [clash for clash in clashes if clash.shared]
    severity = Severity.BLOCKER if lost else Severity.DEGRADED if shared else Severity.NOTE
    what = (
        f"{name_of(lost[0][0])} was overwritten by {lost[0][1] or 'another wheel'}"
        if lost
        else f"{', '.join(strangers[:3])} wrote into the same folders"
        if shared
        else "they lie in folders of their own and do no harm"
    )
    again = tuple(requirement(name, torch_requirements, packages) for name in _touched(clashes, asked) or wanted)
    yield Finding(
        severity,
        "package:torch",
        f"wheels of several CUDA majors are installed beside torch {torch.version}: {what}",
        evidence=(
            *(Proof("wheel_clashes", f"{path} is {owner or 'neither wheel'}'s copy") for path, owner in lost[:6]),
            *(Proof("wheel_clashes", _said(clash)) for clash in clashes[:6]),
        ),
        remedies=(
            Remedy(
                f"Remove {', '.join(strangers[:4])}" + (", then reinstall what torch asks for" if shared else ""),
                "removing a wheel takes with it the files that both wrote" if shared else "torch asks for none of them",
                actions=(Uninstall(strangers), *((Install(again, reinstall=True),) if shared else ())),
            ),
        ),
        wont_help=(WontHelp("Setting LD_LIBRARY_PATH", "an overwritten file is not elsewhere"),),
    )


def _touched(clashes: list[WheelClash], asked: set[str]) -> tuple[str, ...]:
    return tuple(name for clash in clashes if clash.shared for name, _ in clash.packages if name in asked)


def _said(clash: WheelClash) -> str:
    listed = ", ".join(f"{name} {version}" for name, version in clash.packages)
    return f"{listed}: {clash.shared} files are listed by both" if clash.shared else listed


@told("mixed-nvidia-wheels")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    packages = seen.value("packages")
    there = sorted({p.name for p in packages.starting("nvidia-")}) if packages else []
    majors = sorted({n[-2:] for n in there if n[-5:-2] == "-cu"})
    what = (
        f"wheels for CUDA {' and '.join(majors)} are installed beside each other"
        if len(majors) > 1
        else "NVIDIA's wheels are not those that torch pins"
    )
    remove = ("pip", "uninstall", "-y", *there) if there else ("pip", "freeze")
    return Advice(
        "package:torch",
        f"{what}: they write into the same folders, and torch meets the wrong one",
        remedies=(
            by_you(
                "Remove all of NVIDIA's wheels" if there else "List NVIDIA's wheels (nvidia-*) and remove all of them", "", remove
            ),
            *torch_again(seen, "it brings the wheels that it pins"),
        ),
        wont_help=(WontHelp("Setting LD_LIBRARY_PATH", "an overwritten file is not elsewhere"),),
        decide_by=CHECK,
    )
