"""How far the NVIDIA driver comes, and what the machine shows of it where it does not come far enough."""

from __future__ import annotations

from torchsmith.model.record import record

NONE, ABSENT, MODULE, MISMATCH, NVML, LIBCUDA, DEVICES, CUDA, WORKS = (
    "none",
    "absent",
    "module",
    "mismatch",
    "nvml",
    "libcuda",
    "devices",
    "cuda",
    "works",
)


@record
class DriverState:
    """How far a CUDA program comes on its way through the driver. ``stage`` says where it stops:

    none      nothing of NVIDIA's is to be seen: neither a GPU nor a driver
    absent    a GPU, and nothing of a driver that a program could use
    module    the libraries are here, the kernel module does not answer
    mismatch  the module answers that the libraries are of another version
    nvml      NVML fails for another reason
    libcuda   NVML or nvidia-smi works, libcuda cannot be loaded
    devices   the driver answers, and shows no GPU
    cuda      the driver shows GPUs, and cuInit fails
    works     cuInit succeeds

    ``code`` is the status of the call that failed, ``says`` what the driver said of it, ``fact`` who witnessed it.
    ``gpu_on_bus`` is None where nobody could look.
    """

    stage: str
    code: int | None = None
    says: str = ""
    fact: str = "nvidia_libraries"
    gpu_on_bus: bool | None = None

    def __bool__(self) -> bool:
        """Whether there is anything of NVIDIA's to speak of."""
        return self.stage != NONE


@record
class DeviceNode:
    """A device file: its permission bits and owners, and whether this user may open it for reading and writing."""

    path: str
    mode: int
    uid: int
    gid: int
    usable: bool
    device: bool = True


@record
class DeviceNodes:
    """What of /dev belongs to GPUs (nvidia*, dxg, kfd, nvhost ...)."""

    nodes: tuple[DeviceNode, ...]

    def get(self, name: str) -> DeviceNode | None:
        """The node ``/dev/name``."""
        return next((node for node in self.nodes if node.path == f"/dev/{name}"), None)

    @property
    def refused(self) -> tuple[DeviceNode, ...]:
        """NVIDIA's nodes that this user may not open."""
        return tuple(node for node in self.nodes if node.path.startswith("/dev/nvidia") and not node.usable)


@record
class DriverFiles:
    """What the disk and the firmware say of a driver that does not work; looked at only then.

    ``module`` is the nvidia module's file for the running kernel; ``other_kernels`` are installed kernels that have one;
    ``sources`` versions of the module's source (DKMS); ``libraries`` driver versions of the libcuda files in the system's
    folders; ``blocked`` configuration that keeps the module from loading; ``prime`` what selects the laptop's graphics;
    ``secure_boot`` and ``suspended`` (times since start) are None where they cannot be read.
    """

    module: str = ""
    other_kernels: tuple[str, ...] = ()
    module_known: bool = False
    sources: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    prime: str = ""
    secure_boot: bool | None = None
    suspended: int | None = None


@record
class KernelLog:
    """The kernel's own lines about NVIDIA, nouveau and the PCI bus, oldest first; looked at only where the driver fails."""

    lines: tuple[str, ...]

    def find(self, *words: str) -> str:
        """The last line that holds one of the words, in any case; empty if there is none."""
        wanted = [word.lower() for word in words]
        return next((line for line in reversed(self.lines) if any(word in line.lower() for word in wanted)), "")


@record
class FabricManager:
    """The service that sets NVSwitch up: ``state`` in systemd's words (active, failed, inactive), ``version`` its own."""

    state: str = ""
    version: str = ""
    running: bool | None = None


@record
class VisibleGpus:
    """What CUDA_VISIBLE_DEVICES leaves of the GPUs: the indexes it shows, the entry that ended the list, if one did.

    ``mig`` counts entries that name MIG instances.
    """

    shown: tuple[int, ...]
    wrong: str | None = None
    mig: int = 0
