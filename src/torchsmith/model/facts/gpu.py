"""GPUs, and each witness that speaks of them: PCI, NVML, libcuda, nvidia-smi, the kernel module."""

from __future__ import annotations

from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NVIDIA, AMD, INTEL, APPLE = 0x10DE, 0x1002, 0x8086, 0x106B


@record
class PciDevice:
    """A display or 3D controller on the PCI bus: vendor and device id, bus address, the kernel driver bound to it.

    ``name`` and ``driver_version`` are Windows' own words from the registry, the version in NVIDIA's numbering (581.57).
    """

    address: str
    vendor: int
    device: int
    driver: str = ""
    subsystem_vendor: int | None = None
    nvswitch: bool = False
    name: str = ""
    driver_version: str = ""


@record
class PciDevices:
    """All of them; ``nvswitches`` counts NVIDIA's bridge-class NVSwitch devices."""

    gpus: tuple[PciDevice, ...]
    nvswitches: int = 0

    def of(self, vendor: int) -> tuple[PciDevice, ...]:
        """Those of one vendor."""
        return tuple(device for device in self.gpus if device.vendor == vendor)


@record
class Device:
    """One GPU as a witness describes it. ``sm`` is the compute capability as an integer (120 = 12.0).

    ``memory`` and ``free`` are bytes: all that it has, and what was not in use when it was asked.
    """

    index: int
    name: str | None = None
    sm: int | None = None
    memory: int | None = None
    pci: str | None = None
    pci_device: int | None = None
    uuid: str | None = None
    mig: bool | None = None
    mig_instances: int | None = None
    mig_uuids: tuple[str, ...] = ()
    compute_mode: int | None = None
    display: bool | None = None
    persistence: bool | None = None
    fabric: int | None = None
    free: int | None = None


@record
class Nvml:
    """What NVML answered. ``loaded`` is False where there is no such library (``errors`` has the loader's words).

    ``status`` is nvmlInit's (0 success, 9 driver not loaded, 18 library mismatch ...); ``unfinished`` says why there is none.
    ``library`` is the driver version that the library itself belongs to; ``failed`` the (index, status) of GPUs that NVML
    counts but cannot open.
    """

    loaded: bool
    path: str = ""
    errors: tuple[str, ...] = ()
    status: int | None = None
    message: str = ""
    driver: str | None = None
    cuda: str | None = None
    devices: tuple[Device, ...] = ()
    unfinished: str = ""
    library: str | None = None
    failed: tuple[tuple[int, int], ...] = ()


@record
class Libcuda:
    """What libcuda (nvcuda.dll) answered. ``status`` is cuInit's; ``cuda`` the CUDA version that this libcuda implements."""

    loaded: bool
    path: str = ""
    errors: tuple[str, ...] = ()
    status: int | None = None
    message: str = ""
    cuda: str | None = None
    devices: tuple[Device, ...] = ()
    unfinished: str = ""

    @property
    def compat(self) -> bool:
        """Whether the loaded file is one of NVIDIA's forward-compatibility package, by the folder that it lies in."""
        return "compat" in self.path.split("/")[:-1]

    @property
    def file_version(self) -> str | None:
        """The driver version in the name of the loaded file: ``580.95.05`` of ``libcuda.so.580.95.05``."""
        return file_version(self.path)


@record
class NvidiaLibraries:
    """The two libraries of the driver, asked in one child process."""

    nvml: Nvml
    libcuda: Libcuda


@record
class NvidiaSmi:
    """What nvidia-smi printed; ``failure`` holds its own words where it failed."""

    path: str
    driver: str | None = None
    cuda: str | None = None
    devices: tuple[Device, ...] = ()
    failure: str = ""
    exit: int = 0


@record
class ProcGpu:
    """A GPU in /proc/driver/nvidia/gpus: its address on the bus, its model, the number of its device node.

    ``started`` is False where the module knows the card and could not start it: its firmware is a row of question marks.
    """

    address: str
    model: str = ""
    uuid: str = ""
    minor: int | None = None
    started: bool = True
    excluded: bool = False


@record
class KernelModule:
    """NVIDIA's kernel module: its version and flavour (open, proprietary), and what else drives the card."""

    version: str | None = None
    flavour: str = ""
    loaded: bool = False
    uvm: bool = False
    nouveau: bool = False
    nova: bool = False
    modeset: bool = False
    gpus: tuple[ProcGpu, ...] = ()


@record
class Gpus:
    """Every NVIDIA GPU, from the best witness there is: NVML, libcuda, nvidia-smi, /proc, then PCI ids."""

    devices: tuple[Device, ...]
    witness: str = ""

    def __iter__(self) -> Iterator[Device]:
        """The GPUs in order."""
        return iter(self.devices)

    def __len__(self) -> int:
        """How many."""
        return len(self.devices)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.devices)


@record
class Driver:
    """The NVIDIA driver as a whole.

    ``version`` is the user-space version, ``kernel`` the kernel module's; ``cuda`` the newest CUDA that it can run
    (driver CUDA version); ``works`` tells whether cuInit or NVML succeeded, None if nobody could say. ``compat`` says that
    a working forward-compatibility library raises ``cuda`` above what the driver itself supports.
    """

    version: str
    kernel: str | None = None
    cuda: str | None = None
    works: bool | None = None
    compat: bool = False


_FILE_VERSION = pattern(r"\.so\.(\d{2,4}\.\d+(?:\.\d+)?)$")


def file_version(path: str) -> str | None:
    """The driver version in a driver library's file name; None for ``libcuda.so.1`` and for any other name."""
    found = _FILE_VERSION.search(path)
    return found[1] if found else None
