"""
# The Microsoft compiler is not set up in this shell

## What it means
cl.exe, its headers and its linker are on no PATH of their own: `vcvarsall.bat` sets them for one shell. Without it
nvcc and setuptools find no compiler, or one without its headers.

## How it is told
torch cannot ask cl for its version, nvcc or `where` finds no cl.exe, standard headers are missing, or 32-bit tools
meet 64-bit objects.

## What to do
Install `Desktop development with C++`, open the x64 Native Tools prompt, activate the environment there, set
DISTUTILS_USE_SDK=1, and build.

## What not to do
Installing the redistributable: it has no compiler.

## Sources
torch/utils/cpp_extension.py; Microsoft, Use the toolset from the command line.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown


@told("msvc-environment-not-set")
def answer(seen: Seen) -> Advice:
    """The prompt that sets everything, and what torch wants beside it."""
    del seen
    return Advice(
        "machine",
        "The Microsoft C++ compiler is not set up in this shell: cl.exe, its headers or its linker are not found",
        remedies=(
            shown(
                "Install the build tools with the C++ workload, if they are missing",
                "the compiler and the Windows SDK are among its recommended components",
                (
                    "winget",
                    "install",
                    "Microsoft.VisualStudio.2022.BuildTools",
                    "--override",
                    "--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended",
                ),
            ),
            shown(
                "Build from the x64 Native Tools prompt",
                "activate the Python environment inside of it",
                ("set", "DISTUTILS_USE_SDK=1"),
                ("where", "cl"),
            ),
        ),
        wont_help=(
            WontHelp("Installing the Visual C++ redistributable", "it holds run-time libraries, no compiler"),
            WontHelp("Adding cl.exe to PATH by hand", "it finds neither headers nor libraries without its variables"),
        ),
        decide_by=(("where", "cl"),),
    )
