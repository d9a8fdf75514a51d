"""
# This Jetson wheel belongs to another JetPack

## What it means
NVIDIA's torch wheels for Jetson use the CUDA and cuDNN that JetPack installs. A wheel of another JetPack looks for libraries of
other versions: "libcudnn.so.8: cannot open shared object file", "libcublas.so.11", or undefined symbols.

## How it is told
torch's version carries NVIDIA's mark (`nv23.05`), and the CUDA major that it was built with is not that of this Jetson's
JetPack; or libraries that it needs are not found.

## What to do
Install the wheel that NVIDIA lists for this release of JetPack; or bring the Jetson to the JetPack of the wheel.

## What not to do
Links from one library's major version to another: the names match then, and the functions do not.

## Sources
NVIDIA, Installing PyTorch for Jetson Platform; JetPack archive.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge.jetson import jetpack
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.libraries import LoadedLibraries
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import local_label, major


@rule(
    "jetson-wheel-jetpack-mismatch",
    explains=("missing-cudnn", "missing-cuda-runtime-lib", "cudnn-major-mismatch", "cudnn-not-on-loader-path"),
)
def check(jetson: Jetson, torch: Torch, loaded_libraries: LoadedLibraries | Unknown | None) -> Iterator[Finding]:
    """Where every library that it needs is found, somebody upgraded CUDA on this Jetson, and it fits."""
    pack = jetpack(jetson.l4t)
    if pack is None or torch.cuda is None or "nv" not in local_label(torch.version):
        return
    if major(torch.cuda) == major(pack.cuda):
        return
    missing = [found.name for found in loaded_libraries.missing] if isinstance(loaded_libraries, LoadedLibraries) else None
    if missing is not None and not missing:
        return
    evidence = [
        Proof("jetson", f"Jetson Linux {jetson.l4t}: JetPack {pack.major}, CUDA {pack.cuda}"),
        Proof("torch", f"{torch.version}: CUDA {torch.cuda}"),
    ]
    if missing:
        evidence.append(Proof("loaded_libraries", f"not found: {', '.join(missing[:6])}"))
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"torch {torch.version} was made for another JetPack: it wants CUDA {torch.cuda}, JetPack {pack.major} has {pack.cuda}",
        evidence=tuple(evidence),
        remedies=(
            Remedy(
                f"Install NVIDIA's torch wheel for JetPack {pack.major} (Jetson Linux {jetson.l4t}, Python {pack.python})",
                "its libraries are those that this JetPack installs",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(WontHelp("Linking one library's major version to another", "the functions inside differ"),),
        confidence=0.9 if missing else 0.7,
    )


@told("jetson-wheel-jetpack-mismatch")
def answer(seen: Seen) -> Advice:
    """Names the library that is looked for in vain."""
    library = seen.captured("library")
    lacking = f" and looks for {library}" if library else ""
    return Advice(
        "package:torch",
        f"This torch wheel was made for another JetPack{lacking}",
        (
            Remedy(
                "Install the torch wheel that NVIDIA lists for this release of Jetson Linux, with the Python of that JetPack",
                "its libraries are those that this JetPack installs",
                Safety.DISPLAY_ONLY,
                commands=(("cat", "/etc/nv_tegra_release"),),
            ),
        ),
        (WontHelp("Linking one library's major version to another", "the functions inside differ"),),
        (("cat", "/etc/nv_tegra_release"),),
    )
