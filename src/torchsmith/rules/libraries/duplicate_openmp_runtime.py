"""
# Two copies of Intel's OpenMP runtime

## What it means
torch's Windows and macOS wheels carry an OpenMP runtime (`libiomp5md.dll`, `libomp.dylib`); a conda environment has another one
for MKL. When NumPy's MKL loads one and torch the other, the second stops the process: "OMP: Error #15: Initializing
libiomp5md.dll, but found libiomp5md.dll already initialized".

## How it is told
A runtime of the same family in torch's own folder and in the environment's library folder. Whether both come into one process
depends on the program: certain only where conda's MKL is installed.

## What to do
Take NumPy and torch from the same source: both from conda-forge, or both from PyPI.

## What not to do
KMP_DUPLICATE_LIB_OK=TRUE lets two runtimes run side by side: slow programs, and wrong results are possible, as its own message
says. Deleting one of the files breaks whatever needs it after the next update.

## Sources
Intel OpenMP, error 15; the wheels.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import OpenmpRuntimes
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.rules.libraries.told import CHECK, by_you, name


@rule("duplicate-openmp-runtime")
def check(torch: Torch, openmp_runtimes: OpenmpRuntimes, packages: Packages) -> Iterator[Finding]:
    """One family of runtime, once torch's and once the environment's."""
    ours = {found.family: found for found in openmp_runtimes.runtimes if found.owner == "torch"}
    pairs = [(ours[f.family], f) for f in openmp_runtimes.runtimes if f.owner != "torch" and f.family in ours]
    if not pairs or packages.conda_record("pytorch") is not None:
        return  # conda's own torch links to the environment's copy
    mkl = packages.conda_record("mkl")
    mine, theirs = pairs[0]
    yield Finding(
        Severity.DEGRADED if mkl else Severity.NOTE,
        "package:torch",
        f"torch {torch.version} and the environment bring an OpenMP runtime each; the second one to start ends the process",
        evidence=(
            Proof("openmp_runtimes", mine.path),
            Proof("openmp_runtimes", theirs.path),
            *((Proof("packages", f"conda's mkl {mkl.version} loads the environment's copy"),) if mkl else ()),
        ),
        remedies=(
            Remedy(
                "Take NumPy and torch from one source: both from conda-forge, or both from PyPI",
                "then one runtime is left",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(
            WontHelp("Setting KMP_DUPLICATE_LIB_OK=TRUE", "both runtimes then run at once: slow, and results may be wrong"),
            WontHelp("Deleting one of the files", "the next update brings it back, and what is linked with it breaks"),
        ),
        confidence=0.7,
    )


@told("duplicate-openmp-runtime")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    one, other = name(seen, "runtime", "omp-error-15").rstrip(".,"), name(seen, "other", "omp-error-15").rstrip(".,")
    return Advice(
        "python",
        f"two OpenMP runtimes start in one process ({one} and {other})"
        if one and other
        else "two OpenMP runtimes start in one process",
        remedies=(
            by_you(
                "Take NumPy and torch from one source: both from conda-forge, or both with pip into a fresh environment",
                "then one runtime is left",
            ),
            by_you(
                "In conda, replace MKL's runtime",
                "NumPy then needs no OpenMP of Intel's",
                ("conda", "install", "-c", "conda-forge", "nomkl"),
            ),
        ),
        wont_help=(
            WontHelp(
                "Setting KMP_DUPLICATE_LIB_OK=TRUE for good", "both runtimes then run at once: slow, and results may be wrong"
            ),
            WontHelp("Deleting one of the files", "the next update brings it back, and what is linked with it breaks"),
        ),
        decide_by=CHECK,
    )
