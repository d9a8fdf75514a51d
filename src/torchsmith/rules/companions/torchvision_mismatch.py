"""
# torchvision or torchaudio does not belong to this torch

## What it means
torchvision and torchaudio are compiled for one torch release and one CUDA. Beside another torch their libraries do
not load, or lack the operators for the GPU: "operator torchvision::nms does not exist", "Couldn't load custom C++
ops", "nms on the CUDA backend", an undefined symbol.

## How it is told
Their own version.py is read, and their libraries where it says nothing: the release that each asks for, and whether
it was built with CUDA, are held against torch.

## What to do
Install all of them together from one index.

## What not to do
Upgrading torch alone, or updating the driver.

## Sources
Table of companions (`torchsmith facts companion_requirements`); torchvision/extension.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import companions, torch_builds
from torchsmith.model.action import InstallTorch
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import CompanionBuild, CompanionBuilds
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, is_prerelease, key, major, minor, public
from torchsmith.rules.libraries.told import COLLECT_ENV, torch_again, torch_said


@rule("torchvision-mismatch")
def check(torch: Torch, companion_builds: CompanionBuilds, gpus: Gpus | Unknown | None) -> Iterator[Finding]:
    """One finding for each package: the release first, then the build."""
    for build in companion_builds:
        told = _release(torch, build) or _variant(torch, build, not isinstance(gpus, Gpus) or bool(gpus))
        if told is None:
            continue
        severity, summary = told
        yield Finding(
            severity,
            f"package:{build.name}",
            summary,
            evidence=(
                Proof(
                    "companion_builds", f"{build.name} {build.version}" + (f" ({build.kind})" if build.kind else ""), build.path
                ),
                Proof("torch", f"{torch.version} ({torch.kind})"),
            ),
            remedies=_together(torch, companion_builds),
            wont_help=(WontHelp("Upgrading torch alone, or updating the driver", f"{build.name} has to be built for this torch"),)
            if severity is not Severity.NOTE
            else (),
            confidence=0.9,
        )


def _release(torch: Torch, build: CompanionBuild) -> tuple[Severity, str] | None:
    """The torch that the package asks for, as published; nightlies and unknown releases are left alone."""
    if is_prerelease(torch.version) or is_prerelease(build.version):
        return None
    spec = companions.torch_for(build.name, build.version)
    if not spec or _meets(torch.version, spec):
        return None
    wanted = spec.lstrip("=<>~ ")
    text = f"{build.name} {build.version} is made for torch {spec.removeprefix('==')}, and torch {torch.version} is installed"
    # Inside one minor series torch keeps its binary interface.
    return (Severity.NOTE if minor(wanted) == minor(torch.version) else Severity.BLOCKER), text


def _meets(version: str, spec: str) -> bool:
    wanted = public(spec.lstrip("=<>~ "))
    if spec.startswith(">="):
        return at_least(version, wanted)
    return key(public(version)) == key(wanted)


def _variant(torch: Torch, build: CompanionBuild, used: bool) -> tuple[Severity, str] | None:
    if torch.kind not in {"cuda", "cpu"} or build.kind not in {"cuda", "cpu"}:
        return None
    if torch.kind == "cuda" and build.kind == "cpu":
        # torchaudio's own kernels run on the CPU in either build.
        severity = Severity.NOTE if build.name != "torchvision" else Severity.BLOCKER if used else Severity.DEGRADED
        return (
            severity,
            f"{build.name} {build.version} is a CPU build beside torch {torch.version}: it has no operators for the GPU",
        )
    if torch.kind == "cpu" and build.kind == "cuda":
        # Its library needs torch's CUDA libraries: importing it fails.
        return Severity.BLOCKER, f"{build.name} {build.version} is a CUDA build beside torch {torch.version}, which has no CUDA"
    if torch.cuda and build.cuda and major(torch.cuda) != major(build.cuda):
        return (
            Severity.BLOCKER,
            f"{build.name} {build.version} is built for CUDA {build.cuda}, torch {torch.version} for CUDA {torch.cuda}",
        )
    return None


def _together(torch: Torch, installed: CompanionBuilds) -> tuple[Remedy, ...]:
    """The same torch again, with the companions that belong to it; nothing where the table does not know them."""
    belonging = companions.for_torch(torch.version)
    if belonging is None or not torch_builds.build_exists(torch.build):
        return ()
    versions = {"torchvision": belonging.torchvision, "torchaudio": belonging.torchaudio}
    pairs = tuple((build.name, versions[build.name]) for build in installed if versions.get(build.name))
    action = InstallTorch(public(torch.version), torch.build, torch_builds.index_url(torch.build), pairs)
    named = " and ".join(f"{name} {version}" for name, version in pairs)
    return (Remedy(f"Install torch {public(torch.version)}+{torch.build} with {named}", "all from one index", actions=(action,)),)


@told("torchvision-mismatch")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    said = next(
        (n for n in ("torchvision", "torchaudio") if seen.captured("companion") == n or seen.package(n)),
        "torchvision or torchaudio",
    )
    version = seen.package(said)
    return Advice(
        f"package:{said.split()[0]}",
        f"{said} {version} is not the one that belongs to {torch_said(seen)}"
        if version
        else f"{said} was built for another torch or CUDA than {torch_said(seen)}",
        remedies=torch_again(seen, "the three are built together and have to come from one index"),
        wont_help=(
            WontHelp("Upgrading torch alone", "its companions then fit even less"),
            WontHelp(
                "Updating the driver or installing a CUDA toolkit", "the operators are missing in the package, not in the driver"
            ),
        ),
        decide_by=COLLECT_ENV,
    )
