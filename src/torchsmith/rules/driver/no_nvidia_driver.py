"""
# No NVIDIA driver is installed

## What it means
The machine has an NVIDIA GPU and lacks the driver, or the half of it that CUDA programs load. torch brings its own CUDA
runtime, never the driver: "Found no NVIDIA driver on your system", and `torch.cuda.is_available()` is False.

## How it is told
The GPU stands on the PCI bus; libcuda and NVML are not to be loaded, nvidia-smi is not on PATH, and NVIDIA's kernel module is
not there. Or NVML and nvidia-smi answer while libcuda.so.1 (on Windows nvcuda.dll) cannot be loaded: distributions split the
driver into packages, and the one with libcuda was left out (libcuda1 on Debian, libnvidia-compute on Ubuntu,
nvidia-driver-cuda-libs on RHEL).

## What to do
Install the driver with the distribution's own means, or with NVIDIA's installer on Windows, then reboot. In a container or a
job the driver comes from the host: ask for the GPU there.

## What not to do
A CUDA toolkit, cuDNN or another torch is no driver. `conda install cudatoolkit` is none either. Do not link libcuda.so.1 to a
file in `stubs`: it answers every call with an error.

## Sources
NVIDIA driver installation guide; package lists of Debian, Ubuntu and RHEL; torch/cuda/__init__.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.driver import ABSENT, LIBCUDA, DriverState
from torchsmith.model.facts.gpu import NVIDIA, Gpus, KernelModule, NvidiaLibraries, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import by_you, install_commands, needs_open_module, pci_name, the_gpus

# The package that holds libcuda where the driver is split.
LIBCUDA_PACKAGES = {
    "debian": ("sudo", "apt", "install", "libcuda1"),
    "fedora": ("sudo", "dnf", "install", "xorg-x11-drv-nvidia-cuda-libs"),
    "rhel": ("sudo", "dnf", "install", "nvidia-driver-cuda-libs"),
    "arch": ("sudo", "pacman", "-S", "nvidia-utils"),
}
NOT_A_DRIVER = WontHelp("Installing a CUDA toolkit or another torch", "neither of them brings the driver")


@rule("no-nvidia-driver", explains=("no-nvidia-gpu", "cuda-does-not-start"))
def check(
    machine: Machine,
    driver_state: DriverState,
    gpus: Gpus | Unknown | None,
    pci_devices: PciDevices | Unknown,
    kernel_module: KernelModule | Unknown | None,
    nvidia_libraries: NvidiaLibraries | Unknown,
    container: Container | Unknown | None,
) -> Iterator[Finding]:
    """Nothing of a driver beside a GPU, or a driver without libcuda."""
    if machine.wsl or machine.os == "macos":
        return
    if driver_state.stage == LIBCUDA:
        yield _half(machine, driver_state, gpus, nvidia_libraries)
    if driver_state.stage != ABSENT or isinstance(container, Container):  # in a container the host has it
        return
    module = kernel_module if isinstance(kernel_module, KernelModule) else None
    cards = pci_devices.of(NVIDIA) if isinstance(pci_devices, PciDevices) else ()
    names = ", ".join(map(pci_name, cards)) or the_gpus(gpus)
    loaded = bool(module and module.loaded)
    evidence = [Proof("pci_devices", names)] if cards else []
    evidence.append(Proof("nvidia_libraries", "neither libcuda nor NVML can be loaded, and nvidia-smi gives no answer"))
    if module:
        held = (
            " the free nouveau driver holds the card"
            if module.nouveau
            else " the free nova driver holds the card"
            if module.nova
            else ""
        )
        evidence.append(
            Proof("kernel_module", f"loaded, version {module.version}" if loaded else "not loaded" + (";" + held if held else ""))
        )
    needs_open = isinstance(gpus, Gpus) and any(map(needs_open_module, gpus))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"{names} is here, and {'only the kernel half of the NVIDIA driver' if loaded else 'no NVIDIA driver is installed'}",
        evidence=tuple(evidence),
        remedies=(
            by_you(
                "Install the NVIDIA driver" + (" with its open kernel modules" if needs_open else "") + ", then reboot",
                "in a container or a job the driver comes from the host: start it with the GPU",
                *install_commands(machine, needs_open),
            ),
        ),
        wont_help=(NOT_A_DRIVER,),
        confidence=0.8 if loaded else 0.9,
    )


def _half(machine: Machine, state: DriverState, gpus: Gpus | Unknown | None, libraries: NvidiaLibraries | Unknown) -> Finding:
    """NVML or nvidia-smi works, libcuda cannot be loaded."""
    library = "nvcuda.dll" if machine.os == "windows" else "libcuda.so.1"
    witness = "NVML" if isinstance(libraries, NvidiaLibraries) and libraries.nvml.status == 0 else "nvidia-smi"
    missing = "No such file" in state.says or not state.says
    version = (
        libraries.nvml.driver.partition(".")[0] if isinstance(libraries, NvidiaLibraries) and libraries.nvml.driver else "NNN"
    )
    package = LIBCUDA_PACKAGES.get(machine.kin(LIBCUDA_PACKAGES))
    if machine.kin(LIBCUDA_PACKAGES) == "ubuntu":
        package = ("sudo", "apt", "install", f"libnvidia-compute-{version}")
    return Finding(
        Severity.BLOCKER,
        "driver",
        f"{witness} answers for {the_gpus(gpus)}, but {library}, the part of the driver that CUDA needs, "
        + ("is not installed" if missing else "cannot be loaded"),
        evidence=(Proof("nvidia_libraries", state.says or f"{library} cannot be loaded"), Proof("gpus", the_gpus(gpus))),
        remedies=(
            by_you(
                f"Install the driver's package that holds {library}, of the same version",
                "distributions split the driver; into a container it is mounted where NVIDIA_DRIVER_CAPABILITIES holds `compute`",
                *((package,) if package else ()),
            ),
        ),
        wont_help=(
            NOT_A_DRIVER,
            WontHelp("Linking libcuda.so.1 to the toolkit's stub", "a stub has no code: every call fails"),
        ),
        confidence=0.9,
    )


@told("no-nvidia-driver")
def answer(seen: Seen) -> Advice:
    """No driver, or not the half of it that CUDA programs load."""
    machine, gpus = seen.value("machine"), seen.value("gpus")
    half = seen.has("libcuda-missing") and bool(seen.value("nvidia_smi"))
    commands = install_commands(machine, bool(gpus and any(map(needs_open_module, gpus)))) if machine else ()
    names = f" on a machine with {the_gpus(gpus)}" if gpus else ""
    title = (
        "Install the NVIDIA driver of this GPU from NVIDIA's download page"
        if seen.os == "windows"
        else "Install the NVIDIA driver"
    )
    return Advice(
        "driver",
        "nvidia-smi is there, and libcuda, the part of the driver that CUDA programs load, is not"
        if half
        else f"no NVIDIA driver is found{names}",
        remedies=(
            by_you(f"{title}, then reboot", "a container or a job has it from its host: start it with the GPU", *commands),
            by_you("Without an NVIDIA GPU, use a CPU build of torch and the program's CPU option"),
        ),
        wont_help=(
            NOT_A_DRIVER,
            WontHelp("Linking libcuda.so.1 to the toolkit's stub", "a stub has no code: every call fails"),
        ),
        decide_by=(("nvidia-smi",),),
    )
