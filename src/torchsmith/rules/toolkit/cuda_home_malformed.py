"""
# CUDA_HOME does not name a toolkit

## What it means
Builds take CUDA_HOME (or CUDA_PATH) as it stands and add /bin/nvcc. A value that is a list, begins with a colon (`export
CUDA_HOME=$CUDA_HOME:/usr/local/cuda` in a shell where it was empty), or names bin or nvcc itself leads to no compiler.

## How it is told
The variable's text, and whether a toolkit is where it points. A folder that is missing is reported only where there is another
toolkit: without any, the variable harms nobody.

## What to do
Set it to the one folder that holds bin/nvcc, or unset it.

## What not to do
Reinstalling CUDA: it stays where the variable does not point.

## Sources
torch/utils/cpp_extension.py; flash-attention issue 264.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable, UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.rules.toolkit.shared import RUNS

NAMES = ("CUDA_HOME", "CUDA_PATH")


@rule("cuda-home-malformed", explains=("cuda-two-toolkits", "cuda-toolkit-not-found"))
def check(machine: Machine, variables: Variables, toolkits: Toolkits | None, torch: Torch) -> Iterator[Finding]:
    """The first of the two that is set decides; the other one is not looked at."""
    del torch  # without it nothing is built for it
    name, value = next(((name, value) for name in NAMES if (value := variables.get(name))), ("", ""))
    if not value:
        return
    plain = value.replace("\\", "/").rstrip("/")
    others = [one for one in toolkits.found if one.nvcc and one.path != plain] if toolkits else []
    separator = ";" if machine.os == "windows" else ":"
    if separator in value:
        what = "is a list of folders" if value.strip(separator).count(separator) else "has a separator in it"
    elif plain.endswith(("/bin", "/bin/nvcc", "/bin/nvcc.exe")):
        what = "names what is inside of a toolkit, not its folder"
    elif others and (toolkits is None or toolkits.current is None):
        what = "names a folder without a toolkit"
    else:
        return
    right = others[0].path if others else plain.strip(separator).split(separator)[-1].partition("/bin")[0]
    known = bool(others) or what.startswith("names what")
    action = SetVariable(name, right) if known else UnsetVariable(name)
    yield Finding(
        Severity.NOTE,
        "toolkit",
        f"{name}={value!r} {what}: builds find no nvcc there",
        evidence=(
            Proof("variables", {name: value}),
            Proof("toolkits", ", ".join(one.path for one in others) or "no other toolkit"),
        ),
        remedies=(
            Remedy(f"Set {name} to {right}" if known else f"Unset {name}", "and correct it where it is set", actions=(action,)),
        ),
        wont_help=(RUNS,),
    )


@told("cuda-home-malformed")
def answer(seen: Seen) -> Advice:
    """The one folder that the variable should name."""
    del seen
    return Advice(
        "toolkit",
        "CUDA_HOME (or CUDA_PATH) does not name the folder of one toolkit: the build looks for nvcc where there is none",
        remedies=(
            Remedy(
                "Set it to the folder that holds bin/nvcc, without a colon and without /bin",
                "and correct it where it is set, often `export CUDA_HOME=$CUDA_HOME:...` in ~/.bashrc",
                Safety.DISPLAY_ONLY,
                commands=(("export", "CUDA_HOME=/usr/local/cuda"),),
            ),
            Remedy("Or unset it", "the nvcc on PATH then decides", Safety.DISPLAY_ONLY, commands=(("unset", "CUDA_HOME"),)),
        ),
        wont_help=(WontHelp("Reinstalling CUDA", "it stays where the variable does not point"), RUNS),
        decide_by=(("printenv", "CUDA_HOME"),),
    )
