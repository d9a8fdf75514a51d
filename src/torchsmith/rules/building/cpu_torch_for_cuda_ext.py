"""
# A CUDA extension is built against a torch without CUDA

## What it means
In a CPU build of torch the extension builder looks for no toolkit at all: it says that CUDA_HOME is not set, whatever
is set. Its headers and c10_cuda are missing too.

## How it is told
The complaint of CUDA_HOME beside a `+cpu` version, `torch.version.cuda` None, or a variable that is set; a missing
c10_cuda.

## What to do
Put a CUDA build of torch in place, of the toolkit's CUDA major, then build.

## What not to do
Setting CUDA_HOME once more, or reinstalling the toolkit.

## Sources
torch/utils/cpp_extension.py; reproduced with torch 2.13.0+cpu.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.knowledge import torch_builds
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, WontHelp
from torchsmith.model.versions import cuda_of_label, key, major
from torchsmith.rules.arch.shared import install
from torchsmith.rules.common import reinstall
from torchsmith.rules.readings.told import toolkit as toolkit_of
from torchsmith.rules.wheel.told import cuda_torch


@told("cpu-torch-for-cuda-ext")
def answer(seen: Seen) -> Advice:
    """The torch to install where the facts tell it."""
    return Advice(
        "package:torch",
        "The extension needs CUDA, and the torch that it is built against has none; CUDA_HOME is then never looked at",
        remedies=_remedies(seen),
        wont_help=(
            WontHelp("Setting CUDA_HOME", "a CPU build does not look at it"),
            WontHelp("Reinstalling the toolkit", "it is not what is missing"),
        ),
        decide_by=(("python", "-c", "import torch; print(torch.__version__, torch.version.cuda)"),),
    )


def _remedies(seen: Seen) -> tuple[Remedy, ...]:
    """The build that fits the machine, where it is of the toolkit's CUDA major; else the newest of that major."""
    cuda, fitting = toolkit_of(seen), seen.value("fitting_build")
    if fitting and (not cuda or major(cuda_of_label(fitting.build) or "") == major(cuda)):
        return reinstall(fitting, "it has CUDA inside and fits the GPU and the driver")
    best = _like_toolkit(seen, cuda) if cuda else None
    if best:
        return (install(best, f"it has CUDA inside, of the major of the toolkit (CUDA {cuda})", seen),)
    return cuda_torch(seen, "it has CUDA inside; take the index of the toolkit's CUDA major")


def _like_toolkit(seen: Seen, cuda: str) -> torch_builds.Build | None:
    """The installed release, else the newest, made with the toolkit's CUDA, else with the one of its major nearest below."""
    machine, torch, interpreter = seen.value("machine"), seen.value("torch"), seen.value("interpreter")
    wanted, same = key(cuda)[:2], key(torch.version)[:3] if torch else ()
    found = [
        (key(build.torch)[:3] == same, key(build.cuda)[:2] == wanted, key(build.cuda)[:2] < wanted, key(build.torch), build)
        for build in torch_builds.builds(machine.platform if machine else "linux-x86_64", kind="cuda")
        if build.cuda and major(build.cuda) == wanted[0] and build.evidence != "announced"
        if interpreter is None or interpreter.tag in build.python_tags
    ]
    return max(found, key=lambda entry: (*entry[:4], key(entry[4].cuda or "")))[4] if found else None
