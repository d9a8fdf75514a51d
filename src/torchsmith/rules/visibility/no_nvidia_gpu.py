"""
# There is no NVIDIA GPU

## What it means
A CUDA build of torch is installed, and this machine has no NVIDIA GPU. torch works on the CPU; `torch.cuda.is_available()` is
False, and the CUDA libraries only take up several gigabytes.

## How it is told
NVML, libcuda, nvidia-smi, /proc and the PCI bus were asked, and none of them shows one. Where a driver fails or does not
answer, it is the driver that is judged: a GPU that cannot be seen is not missing.

## What to do
Nothing, if the CPU is meant. A CPU build is smaller. In a virtual machine, container or job, ask for the GPU to be passed
through.

## What not to do
Installing a driver or CUDA on a machine without the hardware.

## Sources
Wheel sizes: table of install sizes.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import DEVICES, NONE, DriverState
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.readings.places import on_mac


@rule("no-nvidia-gpu")
def check(torch: Torch, gpus: Gpus | None, driver_state: DriverState | Unknown | None) -> Iterator[Finding]:
    """A CUDA build where no witness shows an NVIDIA GPU."""
    state = driver_state if isinstance(driver_state, DriverState) else DriverState(NONE)
    if torch.kind != "cuda" or gpus or state.stage not in {NONE, DEVICES}:
        return
    driver = state.stage == DEVICES
    evidence = [Proof("torch", f"{torch.version}: CUDA {torch.cuda}"), Proof("gpus", "none")]
    if driver:
        evidence.append(Proof(state.fact, state.says))
    yield Finding(
        Severity.DEGRADED,
        "machine",
        f"torch {torch.version} is a CUDA build, and "
        + ("the NVIDIA driver here finds no GPU" if driver else "no NVIDIA GPU is to be seen on this machine"),
        evidence=tuple(evidence),
        remedies=(Remedy("Use the CPU, or run where a GPU is", "torch itself works here; a CPU build would be smaller"),),
        wont_help=(WontHelp("Installing a driver or a CUDA toolkit", "there is no hardware for them"),),
    )


@told("no-nvidia-gpu")
def answer(seen: Seen) -> Advice:
    """A Mac has none, a machine may have another maker's."""
    mac = on_mac(seen)
    use = "Tell the program to use the CPU" + (", or mps on Apple silicon" if mac else "")
    return Advice(
        "machine",
        "CUDA needs an NVIDIA GPU, and " + ("a Mac has none" if mac else "this machine seems to have none"),
        (
            Remedy(f"{use}: a --device option, device='cpu', map_location='cpu'", safety=Safety.DISPLAY_ONLY),
            Remedy("Or run it where an NVIDIA GPU is", safety=Safety.DISPLAY_ONLY),
        ),
        (WontHelp("Installing a driver, a CUDA toolkit or a CUDA build of torch", "there is no hardware for them"),),
        (("system_profiler", "SPDisplaysDataType") if mac else ("nvidia-smi", "-L"),),
        Severity.DEGRADED,
    )
