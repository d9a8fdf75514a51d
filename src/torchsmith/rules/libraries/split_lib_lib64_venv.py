"""
# torch and NVIDIA's wheels lie in different trees of the environment

## What it means
torch's libraries look for NVIDIA's beside torch (`$ORIGIN/../../nvidia/...`). In some environments (Fedora and others, made by
an IDE or with `--copies`) `lib64` is a folder of its own and no link to `lib`: torch is installed below `lib64`, NVIDIA's
wheels below `lib`. The loader then misses libraries that are installed: "libcudnn.so.9: cannot open shared object file".

## How it is told
The loader is simulated: a library that torch needs is not found, and a file of that name lies in a folder of the NVIDIA wheels
in another site-packages than torch's.

## What to do
Make the environment again with `lib64` as a link to `lib` (`python -m venv` does that), then install into it.

## What not to do
The libraries are installed: installing them again, or a CUDA toolkit, puts them into the same place.

## Sources
sysconfig: platlib and purelib; pytorch issue 104259.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LoadedLibraries, TorchLibraries
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.rules.libraries.common import askers, names
from torchsmith.rules.libraries.told import by_you


@rule("split-lib-lib64-venv", explains=("missing-cudnn", "missing-cuda-runtime-lib"), systems=("linux",))
def check(
    torch: Torch, interpreter: Interpreter, loaded_libraries: LoadedLibraries, torch_libraries: TorchLibraries
) -> Iterator[Finding]:
    """Missing libraries that are there, in the wheels of another site-packages."""
    site = torch.folder.rpartition("/")[0]
    strangers = {
        found.name: found.path
        for found in torch_libraries.objects
        if found.folder in torch_libraries.nvidia_folders and not found.path.startswith(f"{site}/")
    }
    lost = [found for found in loaded_libraries.missing if found.name in strangers]
    if not lost:
        return
    other = strangers[lost[0].name].partition("/nvidia/")[0]
    yield Finding(
        Severity.BLOCKER,
        "python",
        f"torch lies in {site}, NVIDIA's wheels in {other}: torch does not find {names(lost[:2])}",
        evidence=tuple(
            Proof("torch_libraries", f"{found.name}, needed by {askers(found)}, is at {strangers[found.name]}")
            for found in lost[:6]
        ),
        remedies=(
            Remedy(
                "Make the environment again, with lib64 as a link to lib",
                "then both kinds of packages share one site-packages",
                Safety.DISPLAY_ONLY,
                (Command(("python3", "-m", "venv", "--clear", interpreter.prefix)),),
            ),
        ),
        wont_help=(WontHelp("Installing CUDA or NVIDIA's wheels again", "they are there, in the other tree"),),
    )


@told("split-lib-lib64-venv")
def answer(seen: Seen) -> Advice:
    """The same for every text."""
    del seen
    return Advice(
        "python",
        "torch lies in the environment's lib64, NVIDIA's wheels in its lib: torch looks beside itself and does not find them",
        remedies=(
            by_you(
                "Make the environment again, with lib64 as a link to lib",
                "python's own venv does so",
                ("python3", "-m", "venv", "--clear", ".venv"),
            ),
        ),
        wont_help=(WontHelp("Installing CUDA or NVIDIA's wheels again", "they are there, in the other tree"),),
        decide_by=(("ls", "-ld", ".venv/lib", ".venv/lib64"),),
    )
