"""A driver stack for programs to find: libcuda.so.1, libnvidia-ml.so.1 and nvidia-smi, all of one description."""

import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.lab.cache import built, unavailable

SOURCES: Final = Path(__file__).parent / "drivers"
DESCRIPTION_VARIABLE: Final = "TORCHSMITH_LAB_DRIVER"

Init = int | Literal["hang", "crash"]
SmiBehaviour = Literal["ok", "absent", "hang", "hang-with-child", "crash", "flood", "silent", "garbage", "noise"]
MigMode = Literal["unsupported", "disabled", "enabled"]

NVML_DRIVER_NOT_LOADED: Final = 9
NVML_VERSION_MISMATCH: Final = 18
CUDA_NO_DEVICE: Final = 100
CUDA_SYSTEM_DRIVER_MISMATCH: Final = 803

_FLAGS: Final = ("-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared")
_MIG: Final = {"unsupported": -1, "disabled": 0, "enabled": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU as the driver describes it."""

    name: str
    capability: str
    """12.0"""
    memory_mib: int | None
    """None: shared with the host, the driver answers Not Supported."""
    pci_device_id: str
    """Four hexadecimal digits, as in sysfs without 0x."""
    pci_class: str = "030000"
    pci_bus: str = ""
    """00000000:01:00.0; the machine deals them out where it is empty."""
    uuid: str = ""
    mig: MigMode = "unsupported"
    persistence: bool = False
    display_active: bool = False
    compute_mode: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """What of the driver is in user space, and how it answers."""

    version: str
    cuda: str
    """The highest CUDA version that the driver supports."""
    gpus: tuple[Gpu, ...] = ()
    nvml_init: Init = 0
    cuda_init: Init = 0
    smi: SmiBehaviour = "ok"
    smi_version: str = ""
    """Differs from `version` under WSL."""
    libcuda: bool = True
    nvml: bool = True

    def description(self) -> str:
        """The text that the stand-ins read."""
        major, minor = self.cuda.split(".")
        branch = self.smi_version or self.version
        lines = [
            f"driver={self.version}",
            f"nvml={major}.{branch}",
            f"cuda={int(major) * 1000 + int(minor) * 10}",
            f"nvml_init={self.nvml_init}",
            f"cuda_init={self.cuda_init}",
            f"without_libcuda={int(not self.libcuda)}",
            f"smi={self.smi}",
            f"smi_version={branch}",
        ]
        for gpu in self.gpus:
            lines += [
                "[gpu]",
                f"name={gpu.name}",
                f"uuid={gpu.uuid}",
                f"capability={gpu.capability}",
                f"memory_mib={-1 if gpu.memory_mib is None else gpu.memory_mib}",
                f"pci_bus={gpu.pci_bus}",
                f"pci_device_id={gpu.pci_device_id}",
                f"mig={_MIG[gpu.mig]}",
                f"persistence={int(gpu.persistence)}",
                f"display_active={int(gpu.display_active)}",
                f"compute_mode={gpu.compute_mode}",
            ]
        return "\n".join(lines) + "\n"


def compiled() -> Path:
    """The folder of the compiled libraries. Raises Unavailable without a C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        unavailable("driver", "a C compiler on Linux is needed")
    recipe = {path.name: path.read_text() for path in sorted(SOURCES.glob("*.[ch]"))}

    def build(folder: Path) -> None:
        for source, library in (("cuda.c", "libcuda.so.1"), ("nvml.c", "libnvidia-ml.so.1")):
            output = ["-o", str(folder / library), str(SOURCES / source)]
            subprocess.run([compiler, *_FLAGS, f"-Wl,-soname,{library}", *output], check=True, timeout=60)

    return built("driver", {"flags": _FLAGS, **recipe}, build)


def install(driver: Driver, where: Path) -> dict[str, str]:
    """Lays the stack out under a folder: lib/, bin/ and the description.

    Returns the variables that lead a program to it; the two paths are to be put before those that the program has.
    """
    libraries, programs, description = where / "lib", where / "bin", where / "driver.txt"
    libraries.mkdir(parents=True)
    programs.mkdir()
    description.write_text(driver.description())
    source = compiled()
    if driver.libcuda:
        shutil.copy2(source / "libcuda.so.1", libraries)
    if driver.nvml:
        shutil.copy2(source / "libnvidia-ml.so.1", libraries)
    if driver.smi != "absent":
        command = shlex.join([sys.executable, "-I", "-S", str(SOURCES / "nvidia_smi.py")])
        program = programs / "nvidia-smi"
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
    return {
        DESCRIPTION_VARIABLE: str(description),
        "LD_LIBRARY_PATH": str(libraries),
        "PATH": str(programs),
    }
