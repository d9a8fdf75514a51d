"""
# CUDA forward compatibility was tried on a GPU that does not have it

## What it means
The cuda-compat package puts a newer libcuda before the driver's own, so that an older driver can run a newer CUDA. NVIDIA
allows that on data-centre GPUs and Jetson only. On a GeForce CUDA stops with error 804, "forward compatibility was attempted on
non supported HW". Many CUDA container images bring cuda-compat with them.

## How it is told
cuInit answers 804; the file of the loaded libcuda and the GPU's class are shown.

## What to do
Update the driver (of the host, for a container) to one that supports this CUDA itself, or take the compat folder out of
LD_LIBRARY_PATH and the loader's configuration and use a torch build that the driver runs.

## What not to do
Reinstalling torch. A newer cuda-compat.

## Sources
NVIDIA CUDA compatibility guide, forward compatibility; CUDA driver API, CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import gpus as table
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import CUDA, DriverState
from torchsmith.model.facts.gpu import Driver, Gpus, NvidiaLibraries
from torchsmith.model.facts.torch import FittingBuild
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.common import reinstall
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at, the_gpus

NOT_SUPPORTED_HW = 804


@rule("forward-compat-on-consumer-gpu", explains=("compat-lib-shadows-driver", "driver-too-old-for-cuda", "cuda-does-not-start"))
def check(
    driver_state: DriverState,
    nvidia_libraries: NvidiaLibraries,
    gpus: Gpus | Unknown | None,
    driver: Driver | Unknown | None,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """The status of cuInit says it."""
    if driver_state.stage != CUDA or driver_state.code != NOT_SUPPORTED_HW:
        return
    cuda = nvidia_libraries.libcuda
    evidence = [stopped_at(driver_state)]
    if cuda.path:
        evidence.append(Proof("nvidia_libraries", f"loaded: {cuda.path}" + (f", CUDA {cuda.cuda}" if cuda.cuda else "")))
    if isinstance(driver, Driver) and driver.version:
        evidence.append(Proof("driver", f"{driver.version}" + (f", runs up to CUDA {driver.cuda}" if driver.cuda else "")))
    if isinstance(gpus, Gpus) and gpus:
        classes = {row.klass for device in gpus if device.name and (row := table.by_name(device.name)) and row.klass}
        evidence.append(Proof("gpus", the_gpus(gpus) + (f": {', '.join(sorted(classes))}" if classes else "")))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"a cuda-compat libcuda is loaded in place of the driver's, and {the_gpus(gpus)} does not support forward compatibility",
        evidence=tuple(evidence),
        remedies=(
            by_you("Update the NVIDIA driver (the host's, for a container), so that no compat library is needed"),
            by_you("Or take the compat folder out of LD_LIBRARY_PATH and the loader's configuration"),
            *reinstall(fitting_build, "with a build whose CUDA the driver itself runs"),
        ),
        wont_help=(WontHelp("A newer cuda-compat", "it refuses this GPU as well"), NOT_TORCH),
    )


@told("forward-compat-on-consumer-gpu")
def answer(seen: Seen) -> Advice:
    """Status 804 has one meaning."""
    smi = seen.value("nvidia_smi")
    has = f" (driver {smi.driver}" + (f", CUDA {smi.cuda})" if smi.cuda else ")") if smi and smi.driver else ""
    return Advice(
        "driver",
        f"a cuda-compat libcuda is loaded in place of the driver's{has}, and this GPU does not support forward compatibility",
        remedies=(
            by_you("Update the NVIDIA driver (the host's, for a container), so that no compat library is needed"),
            by_you("Or take the compat folder out of LD_LIBRARY_PATH and ld.so.conf.d, or use an image of an older CUDA"),
            *reinstall(seen.value("fitting_build"), "with a build whose CUDA the driver itself runs"),
        ),
        wont_help=(WontHelp("A newer cuda-compat", "it refuses this GPU as well"), NOT_TORCH),
        decide_by=(("nvidia-smi",), ("ldconfig", "-p")),
    )
