"""
# The toolkit lacks headers that extensions of torch need

## What it means
nvcc alone compiles plain CUDA. Extensions of torch include headers of cuBLAS, cuSPARSE and cuSOLVER besides; a toolkit of
single packages or wheels may lack them: "fatal error: cusparse.h: No such file or directory".

## How it is told
nvcc is there, and a header that torch's own headers include is in none of the toolkit's folders.

## What to do
Only if you build extensions: install the development packages of the same version, or the whole toolkit.

## What not to do
Copying headers from another toolkit's version.

## Sources
torch/include/ATen/cuda/CUDAContextLight.h; NVIDIA, CUDA installation guide, packages.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import key, minor
from torchsmith.rules.readings.told import toolkit
from torchsmith.rules.toolkit.shared import RUNS, active, by_conda, in_conda, named, packages

PACKAGES = {
    "cuda_runtime.h": "cuda-cudart-dev",
    "cublas_v2.h": "libcublas-dev",
    "cusparse.h": "libcusparse-dev",
    "cusolverDn.h": "libcusolver-dev",
}


@rule("cuda-toolkit-incomplete")
def check(machine: Machine, toolkits: Toolkits, torch: Torch) -> Iterator[Finding]:
    """Only of the toolkit that builds would take."""
    toolkit = toolkits.current
    if toolkit is None or not toolkit.missing or torch.kind != "cuda":
        return
    numbers = "-".join(str(number) for number in key(toolkit.version)[:2])
    packages = tuple(f"{PACKAGES[name]}-{numbers}" for name in toolkit.missing)
    apt = bool(machine.kin({"debian", "ubuntu"})) and bool(numbers)
    yield Finding(
        Severity.NOTE,
        "toolkit",
        f"{named(toolkit)} lacks {', '.join(toolkit.missing)}: extensions of torch cannot be compiled with it",
        evidence=(active(toolkits, toolkit),),
        remedies=(
            Remedy(
                "To build extensions, install the toolkit's development packages",
                "from NVIDIA's repository, in the toolkit's version",
                Safety.DISPLAY_ONLY,
                (Command(("sudo", "apt-get", "install", *packages)),) if apt else (),
            ),
        ),
        wont_help=(RUNS, WontHelp("Copying headers of another version", "they declare other functions than the library has")),
        confidence=0.85,
    )


@told("cuda-toolkit-incomplete")
def answer(seen: Seen) -> Advice:
    """The header or library that is missing, and its package."""
    header = seen.captured("header", "header-of-toolkit-missing", "cccl-header-missing")
    library = seen.captured("library", "library-of-toolkit-missing") or seen.captured("dll", "library-of-toolkit-missing")
    what = header or (f"lib{library}" if library else "a header or library")
    version = minor(toolkit(seen))
    told_of = packages(seen, version, "cuda-libraries-dev", "cuda-cudart-dev")
    conda = (by_conda(version),) if "." in version else ()
    return Advice(
        "toolkit",
        f"The toolkit lacks {what}, which the build needs",
        remedies=(
            Remedy(
                "Install the development packages of the toolkit, or the whole of it",
                "from NVIDIA's repository, in the toolkit's own version"
                if told_of
                else "in the toolkit's own version, from where it came",
                Safety.DISPLAY_ONLY,
                commands=told_of or (conda if in_conda(seen) else ()),
            ),
        ),
        wont_help=(RUNS, WontHelp("Copying headers of another version", "they declare other functions than the library has")),
        decide_by=(("ls", "/usr/local/cuda/include"),),
    )
