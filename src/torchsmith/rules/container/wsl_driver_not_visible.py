"""
# WSL does not show the Windows driver to CUDA programs

## What it means
In WSL 2 the driver is Windows'. It lends its libraries in /usr/lib/wsl/lib and its device as /dev/dxg. Where a program finds no
libcuda there, or the libcuda there does not start, torch says "Found no NVIDIA driver", whatever Windows itself can do.

## How it is told
The kernel is WSL 2's. Either /dev/dxg is missing, or /usr/lib/wsl/lib holds no libcuda.so.1, or it does and the loader does not
find it, or cuInit fails although it was loaded from there.

## What to do
Update WSL (`wsl --update`, then `wsl --shutdown`) and the NVIDIA driver in Windows. Where only the loader misses the folder,
name it: LD_LIBRARY_PATH=/usr/lib/wsl/lib, or run ldconfig.

## What not to do
Installing nvidia-driver packages inside the distribution: they hide the libraries that Windows lends.

## Sources
NVIDIA, CUDA on WSL user guide; Microsoft WSL documentation.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command, SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container, Wsl
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.container.shared import NO_GPU, weight

LENT = "/usr/lib/wsl/lib"
NO_DEVICE, OUT_OF_MEMORY = 100, 2
UPDATE = Remedy(
    "Update WSL and the NVIDIA driver, both in Windows",
    "the driver that WSL uses is the one of Windows",
    Safety.DISPLAY_ONLY,
    (Command(("wsl.exe", "--update")), Command(("wsl.exe", "--shutdown"))),
)
NAME_FOLDER = Remedy(
    f"Let the loader find {LENT}",
    "WSL lists it in /etc/ld.so.conf.d; a cache or a list of its own that lacks it is the fault",
    actions=(SetVariable("LD_LIBRARY_PATH", LENT),),
)
NO_LINUX_DRIVER = WontHelp("Installing an NVIDIA driver inside WSL", "it hides the libraries that Windows lends")


@rule("wsl-driver-not-visible", explains=NO_GPU, systems=("wsl",))
def check(
    wsl: Wsl,
    container: Container | Unknown | None,
    nvidia_libraries: NvidiaLibraries,
    torch: Torch | Unknown | None,
) -> Iterator[Finding]:
    """Inside a container the engine decides what is there; a Linux driver in the way is another rule's business."""
    cuda = nvidia_libraries.libcuda
    if wsl.version != 2 or isinstance(container, Container) or cuda.status == 0 or cuda.unfinished:
        return
    broken = cuda.loaded and (cuda.path.startswith(LENT) or not cuda.path) and cuda.status not in {None, OUT_OF_MEMORY}
    hidden = not cuda.loaded and wsl.dxg and wsl.library
    cuda_build = isinstance(torch, Torch) and torch.kind == "cuda"
    if not (broken or hidden) and (cuda.loaded or not cuda_build):
        return  # without libraries from Windows nothing shows that this machine has an NVIDIA GPU at all
    if hidden:
        summary, remedy, sure = f"{LENT}/libcuda.so.1 is here, and the loader does not find it", NAME_FOLDER, 0.95
    elif broken:
        summary, remedy, sure = f"Windows' libcuda is loaded, and cuInit fails with status {cuda.status}", UPDATE, 0.75
    elif wsl.dxg:
        summary, remedy, sure = f"Windows lends WSL no NVIDIA driver: there is no libcuda.so.1 in {LENT}", UPDATE, 0.5
    else:
        summary, remedy, sure = "WSL offers no GPU: there is no /dev/dxg", UPDATE, 0.5
    says = (
        f"cuInit status {cuda.status}: {cuda.message}" if cuda.loaded else "; ".join(cuda.errors)[:200] or "libcuda was not found"
    )
    yield Finding(
        weight(torch) if broken or hidden else Severity.DEGRADED,
        "driver",
        summary,
        evidence=(
            Proof(
                "wsl", f"/dev/dxg {'is' if wsl.dxg else 'is not'} there, {LENT}/libcuda.so.1 {'is' if wsl.library else 'is not'}"
            ),
            Proof("nvidia_libraries", says),
        ),
        remedies=(remedy,),
        wont_help=(NO_LINUX_DRIVER,),
        confidence=sure,
        decide_by=(("nvidia-smi.exe",),) if sure < 0.6 else (),
    )


@told("wsl-driver-not-visible")
def answer(seen: Seen) -> Advice:
    """WSL, and no driver that works in it."""
    refused = seen.has("toolkit-wsl-no-adapter", "cuda-init-status", "cuinit-call-failed")
    return Advice(
        "driver",
        "the driver that Windows lends to WSL does not work there"
        if refused
        else f"the libcuda that Windows lends to WSL ({LENT}) is not found",
        remedies=(UPDATE, NAME_FOLDER) if refused else (NAME_FOLDER, UPDATE),
        wont_help=(NO_LINUX_DRIVER,),
        decide_by=(("ls", "-l", LENT),),
    )
