"""
# There is no triton on this Windows

## What it means
The `triton` package has no Windows wheels; `torch.compile` and packages with Triton kernels stop with "Cannot find a
working triton installation" or "No module named 'triton'". Everything else works.

## How it is told
A package that needs triton is installed beside a CUDA build of torch on Windows, and neither `triton-windows` nor
`triton` is.

## What to do
Install `triton-windows` of the series that belongs to this torch, or do not compile.

## What not to do
`pip install triton`: there is nothing to be found for Windows.

## Sources
The triton-windows project; table of companions.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import companions
from torchsmith.model.action import Install
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.rules.libraries.told import by_you, install

_WANT = ("sageattention", "liger-kernel", "unsloth", "flash-linear-attention", "fla-core", "torchao", "mamba-ssm", "flaggems")


@rule("triton-missing-on-windows", systems=("windows",))
def check(torch: Torch, packages: Packages) -> Iterator[Finding]:
    """Silent where nothing asks for triton: most programs do without."""
    wanting = [name for name in _WANT if packages.get(name)]
    if torch.kind != "cuda" or not wanting or packages.get("triton") or packages.get("triton-windows"):
        return
    belonging = companions.for_torch(torch.version)
    series = belonging.triton_windows_series if belonging else None
    spec = f"triton-windows=={series}.*" if series else "triton-windows"
    yield Finding(
        Severity.NOTE,
        "package:triton",
        f"{', '.join(wanting)} wants triton, and none is installed",
        evidence=(Proof("packages", f"{', '.join(wanting)} without triton-windows"),),
        remedies=(Remedy(f"Install {spec}", "the series that belongs to this torch", actions=(Install((spec,)),)),),
        wont_help=(WontHelp("`pip install triton`", "it has no wheels for Windows"),),
    )


@told("triton-missing-on-windows")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    torch = seen.value("torch")
    belonging = companions.for_torch(torch.version) if torch else None
    series = belonging.triton_windows_series if belonging else None
    spec = f"triton-windows=={series}.*" if series else "triton-windows"
    here = "" if seen.os == "linux" else "Windows has no triton of torch's own, and "
    wheel = "triton" if seen.os == "linux" else spec
    return Advice(
        "package:triton",
        f"{here}what was called needs it: torch.compile, or an optimisation of xformers or another package",
        remedies=(
            install(seen, f"Install {wheel}", "the series that belongs to this torch", wheel),
            by_you("Or do without: leave torch.compile off; a mere warning can be ignored"),
        ),
        wont_help=(
            WontHelp("`pip install triton` on Windows", "it has no wheels there"),
            WontHelp("Reinstalling torch or CUDA", "triton is a package of its own"),
        ),
        decide_by=(("pip", "show", "triton", "triton-windows"),),
        severity=Severity.DEGRADED,
    )
