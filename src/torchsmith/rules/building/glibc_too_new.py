"""
# The system's C library is newer than this nvcc can parse

## What it means
glibc 2.41 declares cospi and sinpi, 2.42 rsqrt, with an exception specification that the toolkit's own declarations
lack. CUDA follows with 13.0 and 13.2.

## How it is told
The incompatible exception specification in bits/mathcalls.h.

## What to do
CUDA 13.0 (glibc 2.41) or 13.2 (glibc 2.42); an older distribution in a container; or the toolkit package of the
distribution, which may be patched.

## What not to do
An older gcc: the headers are glibc's.

## Sources
crt/math_functions.h of each toolkit; cuda-samples issue 378.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown


@told("glibc-too-new")
def answer(seen: Seen) -> Advice:
    """The first toolkit for each glibc, or a container with an older one."""
    del seen
    return Advice(
        "machine",
        "The system's glibc headers declare functions that this toolkit declares otherwise: nvcc cannot parse them",
        remedies=(
            shown(
                "Build with CUDA 13.0 (glibc 2.41), or 13.2 (glibc 2.42)", "if torch's CUDA major allows it", ("ldd", "--version")
            ),
            shown(
                "Or build in a container of an older distribution",
                "its headers are the older ones",
                ("docker", "run", "--rm", "-it", "nvidia/cuda:12.8.1-devel-ubuntu24.04", "bash"),
            ),
        ),
        wont_help=(
            WontHelp("An older gcc", "the declarations are glibc's, and every compiler reads the same"),
            WontHelp("-allow-unsupported-compiler", "no compiler was refused"),
        ),
    )
