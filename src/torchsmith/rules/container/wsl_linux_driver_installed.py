"""
# A Linux driver inside WSL hides the one that Windows lends

## What it means
In WSL 2 CUDA goes through Windows' driver, whose libraries stand in /usr/lib/wsl/lib. A driver package of the distribution puts
another libcuda into the system's folders; it is found first, looks for a kernel module that WSL does not have, and fails.

## How it is told
libcuda does not start, and a libcuda.so.1 of its own lies in the distribution's library folder.

## What to do
Remove the distribution's NVIDIA driver packages. The CUDA toolkit may stay: install it as `cuda-toolkit`, never as `cuda`.

## What not to do
Installing another driver version in WSL. Reinstalling the driver in Windows does not remove what hides it.

## Sources
NVIDIA, CUDA on WSL user guide, "only the Windows driver"; cuml issue 6218.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container, Wsl
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, weight

# Not all of ^nvidia- and ^libnvidia-: the toolkit and the container toolkit bear such names too, and may stay.
PURGE = (
    "sudo",
    "apt-get",
    "purge",
    "^nvidia-(driver|dkms|kernel|utils|compute-utils|headless|open)(-.*)?$",
    "^libnvidia-(compute|cfg1|ml1|nvcuvid1|ptxjitcompiler1)(-.*)?$",
    "^libcuda1$",
)


@rule(
    "wsl-linux-driver-installed",
    explains=(*NO_GPU, "wsl-driver-not-visible", "driver-user-kernel-mismatch", "nvidia-module-version-mismatch"),
    systems=("wsl",),
)
def check(
    wsl: Wsl,
    container: Container | Unknown | None,
    nvidia_libraries: NvidiaLibraries,
    torch: Torch | Unknown | None,
) -> Iterator[Finding]:
    """A Linux libcuda that lies beside a CUDA that works harms nobody; in a container the engine put it there."""
    cuda = nvidia_libraries.libcuda
    if wsl.version != 2 or not wsl.linux_libraries or isinstance(container, Container) or cuda.status == 0:
        return
    if cuda.loaded and cuda.path and cuda.path not in wsl.linux_libraries:
        return
    says = f"cuInit status {cuda.status}: {cuda.message}" if cuda.loaded else "; ".join(cuda.errors)[:200]
    yield Finding(
        weight(torch),
        "driver",
        f"{wsl.linux_libraries[0]} belongs to a Linux driver and hides the libcuda that Windows lends to WSL",
        evidence=(Proof("wsl", ", ".join(wsl.linux_libraries)), Proof("nvidia_libraries", f"{cuda.path or 'libcuda'}: {says}")),
        remedies=(
            Remedy(
                "Remove the NVIDIA driver packages from the distribution",
                "WSL then takes Windows' libraries from /usr/lib/wsl/lib",
                Safety.DISPLAY_ONLY,
                (
                    Command(PURGE),
                    Command(("sudo", "ldconfig")),
                ),
            ),
        ),
        wont_help=(WontHelp("Another driver version inside WSL", "every Linux driver lacks its kernel module there"),),
    )


@told("wsl-linux-driver-installed")
def answer(seen: Seen) -> Advice:
    """A Linux driver in WSL hides what Windows lends."""
    del seen
    return Advice(
        "driver",
        "a Linux NVIDIA driver is installed in WSL and hides the one that Windows lends",
        remedies=(
            Remedy(
                "Remove the NVIDIA driver packages from the distribution",
                "WSL then takes Windows' libraries from /usr/lib/wsl/lib",
                Safety.DISPLAY_ONLY,
                (
                    Command(PURGE),
                    Command(("sudo", "ldconfig")),
                ),
            ),
        ),
        wont_help=(WontHelp("Another driver version inside WSL", "every Linux driver lacks its kernel module there"),),
        decide_by=(("ldconfig", "-p"),),
    )
