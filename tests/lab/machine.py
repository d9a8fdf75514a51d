"""Fake machines: a tree with /proc, /sys, /dev and /etc, and a driver stack, for a scenario of scenarios.toml.

A tree is looked at through `LocalHost(root=machine.root)`; the driver stack through the environment variables that
`machine.environ()` returns. Where the machine that runs the tests has a driver of its own, what a scenario leaves out
is found there: `hides_own_driver` tells whether such a scenario can be trusted.
"""

import ctypes.util
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from tests.lab.driver import Driver, Gpu, install

_SCENARIOS: Final = Path(__file__).with_name("scenarios.toml")
_DRIVER_KEYS: Final = ("cuda", "nvml_init", "cuda_init", "smi", "smi_version", "libcuda", "nvml")


@dataclass(frozen=True, slots=True)
class PciDevice:
    vendor: str
    device: str
    class_: str
    kernel_driver: str | None = None


_OTHERS: Final = {
    "rx7900xtx": PciDevice("1002", "744c", "030000", "amdgpu"),
    "arc-a770": PciDevice("8086", "56a0", "030000", "xe"),
    "intel-uhd": PciDevice("8086", "9bc5", "030000", "i915"),
    "nvswitch": PciDevice("10de", "22a3", "068000", "nvidia"),
}
_HOST_BRIDGE: Final = PciDevice("8086", "4668", "060000")
_SERVER_DISPLAY: Final = PciDevice("1a03", "2000", "030000", "ast")
_HYPERV_DISPLAY: Final = PciDevice("1414", "008e", "030200", "dxgkrnl")
_HDMI_SOUND: Final = PciDevice("10de", "22e9", "040300", "snd_hda_intel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A machine in words; `driver` is what user space has of it, `kernel_module` what the kernel has."""

    name: str
    about: str
    gpus: tuple[Gpu, ...] = ()
    driver: Driver | None = None
    kernel_module: Literal["proprietary", "open", "nouveau", "none"] = "proprietary"
    kernel_module_version: str = ""
    others: tuple[PciDevice, ...] = ()
    arch: Literal["x86_64", "aarch64"] = "x86_64"
    server: bool = False
    wsl: bool = False
    memory_gib: int = 32
    files: Mapping[str, str] = field(default_factory=dict)
    """More files of the tree, by absolute path."""

    @property
    def module_version(self) -> str | None:
        """The version of NVIDIA's kernel module, None where it is not loaded."""
        if self.kernel_module not in ("proprietary", "open") or self.driver is None:
            return None
        return self.kernel_module_version or self.driver.version


@dataclass(frozen=True, slots=True)
class FakeMachine:
    """A scenario laid out on disk."""

    scenario: Scenario
    root: Path
    """For LocalHost(root=...)."""
    variables: Mapping[str, str]
    """What to add to the environment; LD_LIBRARY_PATH and PATH go before the existing ones."""

    def environ(self, base: Mapping[str, str] | None = None, **more: str) -> dict[str, str]:
        """A whole environment for a child process, on top of `base` (this process's where None)."""
        env = dict(os.environ if base is None else base)
        for key, value in self.variables.items():
            before = env.get(key) if key in ("LD_LIBRARY_PATH", "PATH") else None
            env[key] = os.pathsep.join([value, before]) if before else value
        return env | more

    def path(self, absolute: str) -> Path:
        """Where an absolute path of the machine lies."""
        return self.root / absolute.lstrip("/")

    def write(self, absolute: str, text: str) -> None:
        """Sets a file of the tree."""
        path = self.path(absolute)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


MachineFactory = Callable[[Scenario | str], FakeMachine]
"""What the fixture `fake_machine` gives."""


def hides_own_driver() -> bool:
    """Whether the machine that runs the tests has no NVIDIA driver of its own that a scenario could not hide."""
    return ctypes.util.find_library("cuda") is None and ctypes.util.find_library("nvidia-ml") is None


# ---- scenarios


@cache
def scenarios() -> Mapping[str, Scenario]:
    """All named scenarios."""
    data = tomllib.loads(_SCENARIOS.read_text())
    products = {name: Gpu(**{"memory_mib": None, **row}) for name, row in data["gpu"].items()}
    return {name: _scenario(name, row, products) for name, row in data["scenario"].items()}


def _scenario(name: str, row: Mapping[str, Any], products: Mapping[str, Gpu]) -> Scenario:
    gpus = tuple(_seated(products[product], index) for index, product in enumerate(row.get("gpus", ())))
    driver = None
    if "driver" in row:
        keys = {key: row[key] for key in _DRIVER_KEYS if key in row}
        driver = Driver(version=row["driver"], gpus=gpus, **keys)
    rest = {key: row[key] for key in row if key not in (*_DRIVER_KEYS, "driver", "gpus", "others")}
    others = tuple(_OTHERS[other] for other in row.get("others", ()))
    return Scenario(name=name, gpus=gpus, driver=driver, others=others, **rest)


def _seated(gpu: Gpu, index: int) -> Gpu:
    bus = gpu.pci_bus or f"00000000:{index + 1:02X}:00.0"
    uuid = gpu.uuid or f"GPU-{index:08x}-1ab0-4c0d-8e5f-{int(gpu.pci_device_id, 16):012x}"
    return replace(gpu, pci_bus=bus, uuid=uuid)


# ---- the tree


def build(scenario: Scenario | str, where: Path) -> FakeMachine:
    """Lays a scenario out under an empty folder. Raises Unavailable without a C compiler."""
    if isinstance(scenario, str):
        scenario = scenarios()[scenario]
    root = where / "root"
    for path, text in _files(scenario).items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (root / "sys/bus/pci/devices").mkdir(parents=True, exist_ok=True)
    (root / "sys/module").mkdir(exist_ok=True)
    for address, device in _bus(scenario).items():
        _seat(root, address, device)
    variables = {} if scenario.driver is None else install(scenario.driver, where / "driver")
    if scenario.wsl and scenario.driver is not None:
        home = root / "usr/lib/wsl"
        home.mkdir(parents=True)
        (home / "lib").symlink_to(where / "driver/lib")
    return FakeMachine(scenario, root, variables)


def _bus(scenario: Scenario) -> dict[str, PciDevice]:
    """What stands on the PCI bus, by address; a GPU's sound function beside a consumer GPU."""
    if scenario.wsl:
        return {"5582:00:00.0": _HYPERV_DISPLAY}
    holder = {"proprietary": "nvidia", "open": "nvidia", "nouveau": "nouveau", "none": None}[scenario.kernel_module]
    devices = {"0000:00:00.0": _HOST_BRIDGE}
    for gpu in scenario.gpus:
        domain, rest = gpu.pci_bus.lower().split(":", 1)
        address = f"{domain[-4:]}:{rest}"
        devices[address] = PciDevice("10de", gpu.pci_device_id, gpu.pci_class, holder)
        if gpu.pci_class == "030000" and scenario.arch == "x86_64":
            devices[address[:-1] + "1"] = _HDMI_SOUND
    for number, device in enumerate(scenario.others):
        devices[f"0000:{0x60 + number:02x}:00.0"] = device
    if scenario.server:
        devices["0000:c3:00.0"] = _SERVER_DISPLAY
    return devices


def _seat(root: Path, address: str, device: PciDevice) -> None:
    """A device's folder, linked as the kernel links it."""
    folder = root / "sys/devices" / f"pci{address[:7]}" / address
    folder.mkdir(parents=True)
    for name, text in (
        ("vendor", f"0x{device.vendor}"),
        ("device", f"0x{device.device}"),
        ("class", f"0x{device.class_}"),
        ("revision", "0xa1"),
        ("numa_node", "-1"),
        ("uevent", f"PCI_SLOT_NAME={address}"),
    ):
        (folder / name).write_text(text + "\n")
    if device.kernel_driver:
        driver = root / "sys/bus/pci/drivers" / device.kernel_driver
        driver.mkdir(parents=True, exist_ok=True)
        (folder / "driver").symlink_to(Path("../../../bus/pci/drivers") / device.kernel_driver)
    (root / "sys/bus/pci/devices" / address).symlink_to(Path("../../../devices") / folder.parent.name / address)


def _files(scenario: Scenario) -> dict[str, str]:
    files = _ordinary(scenario)
    version = scenario.module_version
    if version is not None:
        files |= _kernel_module(scenario, version)
    if scenario.kernel_module == "nouveau":
        files["/sys/module/nouveau/refcnt"] = "4\n"
        files["/dev/dri/card0"] = files["/dev/dri/renderD128"] = ""
    if scenario.wsl:
        files["/dev/dxg"] = ""
        files["/proc/sys/fs/binfmt_misc/WSLInterop"] = "enabled\ninterpreter /init\n"
    for device in scenario.others:
        if device.vendor in ("1002", "8086"):
            files["/dev/dri/card0"] = files["/dev/dri/renderD128"] = ""
            files[f"/sys/module/{device.kernel_driver}/refcnt"] = "12\n"
        if device.vendor == "1002":
            files["/dev/kfd"] = ""
    return files | dict(scenario.files)


def _kernel_module(scenario: Scenario, version: str) -> dict[str, str]:
    arch = scenario.arch
    if scenario.kernel_module == "open":
        module = (
            f"NVIDIA UNIX Open Kernel Module for {arch}  {version}  Release Build  (dvs-builder@U22-I3-AE18-23-3)  "
            "Tue Sep 23 10:11:16 UTC 2025"
        )
        licence = "Dual MIT/GPL"
    else:
        module = f"NVIDIA UNIX {arch} Kernel Module  {version}  Tue Sep 23 09:55:41 UTC 2025"
        licence = "NVIDIA"
    files = {
        "/proc/driver/nvidia/version": (
            f"NVRM version: {module}\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14+deb12u1) \n"
        ),
        "/proc/driver/nvidia/params": "ModifyDeviceFiles: 1\nEnableGpuFirmware: 18\nOpenRmEnableUnsupportedGpus: 1\n",
        "/sys/module/nvidia/version": f"{version}\n",
        "/sys/module/nvidia/license": f"{licence}\n",
        "/sys/module/nvidia/refcnt": "42\n",
        "/sys/module/nvidia_uvm/refcnt": "4\n",
        "/dev/nvidiactl": "",
        "/dev/nvidia-uvm": "",
        "/dev/nvidia-uvm-tools": "",
    }
    for index, gpu in enumerate(scenario.gpus):
        domain, rest = gpu.pci_bus.lower().split(":", 1)
        address = f"{domain[-4:]}:{rest}"
        files[f"/dev/nvidia{index}"] = ""
        files[f"/proc/driver/nvidia/gpus/{address}/information"] = (
            f"Model: \t\t {gpu.name}\nIRQ:   \t\t {79 + index}\nGPU UUID: \t {gpu.uuid}\n"
            "Video BIOS: \t 94.06.2f.00.7b\nBus Type: \t PCIe\nDMA Size: \t 47 bits\nDMA Mask: \t 0x7fffffffffff\n"
            f"Bus Location: \t {address}\nDevice Minor: \t {index}\nGPU Firmware: \t {version}\nGPU Excluded:\t No\n"
        )
    return files


def _ordinary(scenario: Scenario) -> dict[str, str]:
    """What every Linux shows."""
    release = "6.1.0-37-amd64"
    build = f"Linux version {release} (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP"
    if scenario.arch == "aarch64":
        release = "6.11.0-1016-nvidia"
        build = f"Linux version {release} (buildd@bos03-arm64-080) (aarch64-linux-gnu-gcc 13.3.0) #16-Ubuntu SMP"
    if scenario.wsl:
        release = "6.6.87.2-microsoft-standard-WSL2"
        build = f"Linux version {release} (root@439a258ad544) (gcc (GCC) 11.2.0, GNU ld (GNU Binutils) 2.37) #1 SMP"
    total = scenario.memory_gib * 1024 * 1024
    return {
        "/proc/version": f"{build} PREEMPT_DYNAMIC Thu Jun  5 18:30:46 UTC 2025\n",
        "/proc/sys/kernel/osrelease": f"{release}\n",
        "/proc/modules": _modules(scenario),
        "/proc/cpuinfo": _cpuinfo(scenario),
        "/proc/meminfo": (
            f"MemTotal:       {total:>8} kB\nMemFree:        {total // 2:>8} kB\n"
            f"MemAvailable:   {total * 3 // 4:>8} kB\n"
            "Buffers:          204800 kB\nCached:          4194304 kB\nSwapCached:            0 kB\n"
            "SwapTotal:       1048572 kB\nSwapFree:        1048572 kB\n"
            "HugePages_Total:       0\nHugepagesize:       2048 kB\n"
        ),
        "/etc/os-release": (
            'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
            'VERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'
        ),
        "/dev/null": "",
    }


def _modules(scenario: Scenario) -> str:
    lines = ["ext4 987136 1 - Live 0x0000000000000000", "snd_hda_intel 57344 0 - Live 0x0000000000000000"]
    if scenario.module_version is not None:
        taint = " (OE)" if scenario.kernel_module == "open" else " (POE)"
        lines += [
            f"nvidia_uvm 4956160 4 - Live 0x0000000000000000{taint}",
            f"nvidia_drm 131072 5 - Live 0x0000000000000000{taint}",
            f"nvidia_modeset 1769472 7 nvidia_drm, Live 0x0000000000000000{taint}",
            f"nvidia 104165376 42 nvidia_uvm,nvidia_modeset, Live 0x0000000000000000{taint}",
        ]
    if scenario.kernel_module == "nouveau":
        lines.append("nouveau 2433024 4 - Live 0x0000000000000000")
    others = {device.kernel_driver for device in scenario.others if device.kernel_driver}
    lines += [f"{name} 13295616 12 - Live 0x0000000000000000" for name in sorted(others - {"nvidia"})]
    return "".join(f"{line}\n" for line in lines)


_X86_FLAGS: Final = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ss ht syscall "
    "nx rdtscp lm constant_tsc rep_good nopl pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave avx "
    "f16c rdrand lahf_lm abm fsgsbase bmi1 avx2 smep bmi2 erms"
)
_SERVER_FLAGS: Final = _X86_FLAGS + " avx512f avx512dq avx512cd avx512bw avx512vl avx512_bf16 amx_bf16 amx_tile amx_int8"


def _cpuinfo(scenario: Scenario) -> str:
    if scenario.arch == "aarch64":
        return "".join(
            f"processor\t: {number}\nBogoMIPS\t: 2000.00\n"
            "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid sve sve2 bf16 i8mm\n"
            f"CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {part}\n"
            "CPU revision\t: 1\n\n"
            for number, part in enumerate(["0xd87"] * 10 + ["0xd85"] * 10)
        )
    model, flags, count = "AMD Ryzen 7 7700X 8-Core Processor", _X86_FLAGS, 16
    if scenario.server:
        model, flags, count = "Intel(R) Xeon(R) Platinum 8480C", _SERVER_FLAGS, 32
    vendor = "GenuineIntel" if scenario.server else "AuthenticAMD"
    return "".join(
        f"processor\t: {number}\nvendor_id\t: {vendor}\ncpu family\t: 25\nmodel\t\t: 97\nmodel name\t: {model}\n"
        f"cpu MHz\t\t: 4500.000\nphysical id\t: 0\ncore id\t\t: {number // 2}\ncpu cores\t: {count // 2}\n"
        f"flags\t\t: {flags}\n\n"
        for number in range(count)
    )
