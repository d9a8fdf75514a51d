"""
# The CUDA toolkit's stub is loaded in place of the driver's libcuda

## What it means
The toolkit ships a libcuda without code in a folder `stubs`, for linking on machines that have no driver. When the loader finds
it first, every call answers CUDA_ERROR_STUB_LIBRARY (34), although driver and GPU are fine.

## How it is told
cuInit answers 34; the path of the mapped file is shown.

## What to do
Take the stubs folder out of LD_LIBRARY_PATH, remove links named libcuda.so.1 that lead to it, and run ldconfig.

## What not to do
Reinstalling torch, CUDA or the driver leaves the path as it is.

## Sources
CUDA driver API, CUDA_ERROR_STUB_LIBRARY; CUDA installation guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import CUDA, DriverState
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.python import Variables
from torchsmith.model.finding import Finding, Proof, Severity
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at

STUB_LIBRARY = 34
NAME = "LD_LIBRARY_PATH"


@rule("cuda-stub-library", explains=("no-nvidia-driver", "no-nvidia-gpu", "ld-library-path-shadowing", "cuda-does-not-start"))
def check(driver_state: DriverState, nvidia_libraries: NvidiaLibraries, variables: Variables | Unknown) -> Iterator[Finding]:
    """The status of cuInit says it."""
    if driver_state.code != STUB_LIBRARY or driver_state.stage != CUDA:
        return
    path = nvidia_libraries.libcuda.path
    value = variables.get(NAME) if isinstance(variables, Variables) else None
    evidence = [stopped_at(driver_state)]
    if path:
        evidence.append(Proof("nvidia_libraries", f"loaded: {path}"))
    if value:
        evidence.append(Proof("variables", {NAME: value}))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the toolkit's stub {path or 'libcuda.so.1'} is loaded in place of the driver's libcuda",
        evidence=tuple(evidence),
        remedies=(
            by_you(
                f"Take the stub's folder out of {NAME}, and remove the link libcuda.so.1 that leads to it",
                "the driver's own libcuda is then found",
                ("sudo", "ldconfig"),
            ),
        ),
        wont_help=(NOT_TORCH,),
    )


@told("cuda-stub-library")
def answer(seen: Seen) -> Advice:
    """The stub says of itself that it is one."""
    del seen
    return Advice(
        "driver",
        "the CUDA toolkit's stub is loaded in place of the driver's libcuda, and answers every call with an error",
        remedies=(
            by_you(
                "Take the stubs folder out of LD_LIBRARY_PATH, and remove a link libcuda.so.1 that leads into it",
                "a stub is for linking only; the driver's own libcuda is then found",
                ("sudo", "ldconfig"),
            ),
        ),
        wont_help=(NOT_TORCH,),
        decide_by=(("ldconfig", "-p"), ("env",)),
    )
