"""
# torch is not installed here

## What it means
`import torch` in this interpreter ends in ModuleNotFoundError.

## How it is told
No entry of the interpreter's search path holds a `torch` package.

## What to do
Install the build that fits this machine; or name the environment that you meant with `--python`.

## What not to do
`pip install torch` on Windows gives a CPU build: name the index.

## Sources
The import system's rules; table of published builds.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import InstallTorch
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.common import reinstall
from torchsmith.rules.wheel.told import TOOLKIT


@rule("torch-not-installed")
def check(
    machine: Machine,
    interpreter: Interpreter,
    torch: Torch | None,
    gpus: Gpus | Unknown | None,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """Nothing to diagnose yet: said plainly, with the build that would fit."""
    if torch is not None:
        return
    where = f" in {interpreter.prefix}" if interpreter.prefix else ""  # that of an assumed machine is nowhere
    version = f"{interpreter.version}{'t' if interpreter.free_threaded else ''}"
    yield Finding(
        Severity.DEGRADED,
        "python",
        f"torch is not installed{where} (Python {version})",
        evidence=(Proof("torch", "on no entry of the search path"),),
        remedies=_cpu(machine, interpreter)
        if isinstance(gpus, Gpus) and not gpus
        else reinstall(fitting_build, "the build that fits this machine"),
    )


def _cpu(machine: Machine, interpreter: Interpreter) -> tuple[Remedy, ...]:
    """Without a GPU the CPU build is the one: on Linux x86-64 the default index gives gigabytes of CUDA."""
    from torchsmith.knowledge import torch_builds

    fits = [b for b in torch_builds.builds(machine.platform, kind="cpu") if interpreter.tag in b.python_tags]
    if not fits:
        return ()
    best = fits[-1]
    action = InstallTorch(best.torch, best.build, best.index_url)
    return (Remedy(f"Install torch {best.torch}, the CPU build", "no NVIDIA GPU is to be seen here", actions=(action,)),)


@told("torch-not-installed")
def answer(seen: Seen) -> Advice:
    """The interpreter that ran, and whether pip belongs to it."""
    found = reinstall(seen.value("fitting_build"), "the build that fits this machine")
    plain = Remedy(
        "Install torch with the pip of the very Python that runs the program",
        "on Windows name a CUDA index, or it is a CPU build",
        commands=(("python", "-m", "pip", "install", "torch", "torchvision"),),
    )
    return Advice(
        "python",
        "There is no torch in the environment of the Python that ran this",
        found or (plain,),
        (
            WontHelp("`pip install` without `python -m`", "that pip may belong to another Python"),
            WontHelp("`pip install pytorch`", "the package is called torch"),
            TOOLKIT,
        ),
        (("python", "-c", "import sys; print(sys.executable)"), ("python", "-m", "pip", "list")),
    )
