"""
# Two CUDA majors in one process

## What it means
Libraries of CUDA 12 and of CUDA 13 meet: torch brings one, another package or the environment's settings the other. Each works
alone; together one looks for the other's parts ("failed to open libnvrtc-builtins.so.13.0", "libcublas.so.12: cannot open
shared object file"), or falls back to the CPU without a word.

## How it is told
From the simulated loading of torch: one library in two majors. And from the files of packages that bring CUDA code of their
own: the CUDA libraries that they ask for are of another major than torch's, and nothing here has them.

## What to do
One major for all: the build of the package for torch's CUDA, or the build of torch for the package's.

## What not to do
Copying libraries from one major into the other's folder.

## Sources
DT_NEEDED of the packages' libraries; sglang pull request 22833.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.libraries import CudaConsumers, LoadedLibraries
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import major
from torchsmith.rules.libraries.told import CHECK, by_you, cuda_major, torch_again, torch_said

# Libraries whose name carries the CUDA major itself.
_NAMED = pattern(r"lib(cudart|cublas|cublasLt|nvrtc|nvJitLink)\.so\.(\d+)")


@rule("two-cuda-runtimes", systems=("linux",))
def check(
    torch: Torch, loaded_libraries: LoadedLibraries, cuda_consumers: CudaConsumers, gpus: Gpus | Unknown | None
) -> Iterator[Finding]:
    """The same library in two majors, or a package made for another major than torch's."""
    if not torch.cuda:
        return
    ours = major(torch.cuda)
    found = [loaded for loaded in loaded_libraries.objects if loaded.path and _other_major(loaded.name, ours)]
    if found:
        yield Finding(
            Severity.DEGRADED,
            "package:torch",
            f"torch {torch.version} uses CUDA {ours}, and {found[0].name} of another major is loaded into the same process",
            evidence=tuple(
                Proof("loaded_libraries", f"{f.name}: {f.path}, needed by {', '.join(f.needed_by[:2])}") for f in found[:6]
            ),
            remedies=(_one_major(),),
            wont_help=(WontHelp("Copying libraries between the two", "their versions are part of their symbols"),),
            confidence=0.8,
        )
    if isinstance(gpus, Unknown) or not gpus:
        return  # without a GPU such a package works on the CPU anyway
    for consumer in cuda_consumers.consumers:
        there = dict(consumer.on_path) | dict(consumer.in_wheels)
        lost = [name for name in consumer.needs if _other_major(name, ours) and name not in there]
        if lost:
            yield Finding(
                Severity.DEGRADED,
                f"package:{consumer.package}",
                f"{consumer.package} {consumer.version} asks for {', '.join(lost[:3])}, "
                f"but torch {torch.version} brings CUDA {ours} and nothing else is here",
                evidence=(Proof("cuda_consumers", f"{consumer.path} needs {', '.join(lost)}"),),
                remedies=(_one_major(),),
                confidence=0.85,
            )


def _other_major(name: str, ours: int) -> bool:
    matched = _NAMED.fullmatch(name)
    # CUDA 11 named some of its libraries after its minor: libnvrtc.so.11.2 does not match, libcudart.so.11.0 neither
    return bool(matched) and int(matched[2]) != ours  # type: ignore[index]


def _one_major() -> Remedy:
    return Remedy(
        "Use one CUDA major in this environment",
        "install the build of the other package for torch's CUDA, or torch's build for that package's CUDA",
        Safety.DISPLAY_ONLY,
    )


@told("two-cuda-runtimes")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    version = seen.captured("version", "nvrtc-builtins")
    asked = version if re.fullmatch(r"\d{1,2}\.\d", version) else ""
    ours = cuda_major(seen)
    what = f"a part of CUDA {asked} is asked for" if asked else "libraries of two CUDA majors meet in one process"
    return Advice(
        "machine",
        f"{what} while {torch_said(seen)} is for CUDA {ours}" if ours else what,
        remedies=(
            by_you(
                "Use one CUDA major: the base image, torch and every compiled package for the same one",
                "two runtimes do not share state",
            ),
            *torch_again(seen, "from one index, with what belongs to it"),
        ),
        wont_help=(WontHelp("Copying or linking the missing file from the other CUDA", "its version is part of its symbols"),),
        decide_by=CHECK,
    )
