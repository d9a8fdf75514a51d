"""
# NVIDIA's kernel module is not loaded

## What it means
The driver's libraries and nvidia-smi are installed, and the kernel has no module that they could talk to: "NVIDIA-SMI has
failed because it couldn't communicate with the NVIDIA driver". Most often a kernel update brought a kernel for which the module
was not built.

## How it is told
NVML answers "Driver Not Loaded" (9), or nvidia-smi says so; /proc/driver/nvidia is absent. The module's file is looked up for
the running kernel and for the others. Where the kernel's log, Secure Boot, nouveau or a power switch explains it, that is the
cause named instead.

## What to do
Build the module for this kernel (headers, then DKMS), or boot the kernel that has it. Where the file is there, load it with
`sudo modprobe nvidia` and read what the kernel says.

## What not to do
Reinstalling torch or CUDA. Another driver version meets the same missing headers.

## Sources
NVML API reference (NVML_ERROR_DRIVER_NOT_LOADED); NVIDIA driver README, DKMS.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import MODULE, DriverFiles, DriverState
from torchsmith.model.facts.gpu import KernelModule
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, stopped_at

HEADERS = {
    "ubuntu": "linux-headers-{kernel}",
    "debian": "linux-headers-{kernel}",
    "fedora": "kernel-devel-{kernel}",
    "rhel": "kernel-devel-{kernel}",
}
INSTALLERS = {"ubuntu": "apt", "debian": "apt", "fedora": "dnf", "rhel": "dnf"}


@rule("driver-module-not-loaded", explains=("no-nvidia-gpu", "no-nvidia-driver", "cuda-does-not-start"), systems=("linux",))
def check(
    machine: Machine,
    driver_state: DriverState,
    driver_files: DriverFiles | Unknown | None,
    kernel_module: KernelModule | Unknown | None,
    torch: Torch | Unknown | None,
) -> Iterator[Finding]:
    """User space is there, the kernel module does not answer."""
    if driver_state.stage != MODULE or machine.wsl:
        return
    if driver_state.gpu_on_bus is False and isinstance(torch, Torch) and torch.kind != "cuda":
        return  # no card asks for the module, and no torch for the card
    evidence = [stopped_at(driver_state)]
    if isinstance(kernel_module, KernelModule):
        evidence.append(Proof("kernel_module", "loaded" if kernel_module.loaded else "not loaded"))
    files = driver_files if isinstance(driver_files, DriverFiles) else DriverFiles()
    unbuilt = files.module_known and not files.module
    why = ""
    if unbuilt:
        why = f": it is not built for the running kernel {machine.kernel}"
        evidence.append(Proof("driver_files", f"no nvidia module for {machine.kernel}" + _elsewhere(files)))
    elif files.module:
        evidence.append(Proof("driver_files", f"{files.module} is there for {machine.kernel}"))
    if driver_state.gpu_on_bus is False:
        evidence.append(Proof("pci_devices", "no NVIDIA GPU on the bus that this system shows"))
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"the NVIDIA driver is installed, and its kernel module is not loaded{why}",
        evidence=tuple(evidence),
        remedies=_remedies(machine, files, unbuilt),
        wont_help=(NOT_TORCH,),
        confidence=0.75 if driver_state.gpu_on_bus is False else 0.9,
        decide_by=(("lspci", "-nnk", "-d", "10de:"),) if driver_state.gpu_on_bus is False else (),
    )


def _elsewhere(files: DriverFiles) -> str:
    return f"; there is one for {', '.join(files.other_kernels)}" if files.other_kernels else ""


def _remedies(machine: Machine, files: DriverFiles, unbuilt: bool) -> tuple[Remedy, ...]:
    load = by_you(
        "Load the module, and read what the kernel answers",
        "",
        ("sudo", "modprobe", "nvidia"),
        ("sudo", "dmesg"),
    )
    if not unbuilt:
        return (load,)
    headers = HEADERS.get(machine.kin(HEADERS), "").format(kernel=machine.kernel)
    commands: list[tuple[str, ...]] = []
    if headers:
        commands.append(("sudo", INSTALLERS[machine.kin(HEADERS)], "install", headers))
    if files.sources:
        commands.append(("sudo", "dkms", "autoinstall", "-k", machine.kernel))
    build = by_you("Build the module for this kernel, then reboot", "the module belongs to one kernel version", *commands)
    if not files.other_kernels:
        return (build,)
    return (build, by_you(f"Or boot the kernel that has the module: {', '.join(files.other_kernels)}"))


@told("driver-module-not-loaded")
def answer(seen: Seen) -> Advice:
    """The program half of the driver is there; why its module is not, the kernel knows."""
    failed = seen.has("dkms-failed", "module-missing") or seen.has("driver-updated")
    build = by_you(
        "Install the headers of the running kernel, build the module for it, reboot",
        "a module belongs to one kernel version; DKMS builds it anew with each kernel",
        ("sudo", "dkms", "autoinstall"),
        ("sudo", "reboot"),
    )
    load = by_you("Load the module, and read what the kernel answers", "", ("sudo", "modprobe", "nvidia"), ("sudo", "dmesg"))
    return Advice(
        "driver",
        "the NVIDIA driver is installed, and its kernel module is not "
        + ("built for the running kernel" if failed else "loaded in the running kernel"),
        remedies=(build, load) if failed else (load, build),
        wont_help=(NOT_TORCH,),
        decide_by=(("sudo", "modprobe", "nvidia"),),
    )
