"""The machine in detail: what a person wants to see and a build needs. Asked for by verbose, JSON and bundle only."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Computer:
    """Who made the machine (or the hypervisor that shows it) and its product name; ``secure_boot`` is None where nothing says."""

    maker: str = ""
    product: str = ""
    secure_boot: bool | None = None


@record
class Processor:
    """The processors as a build meets them: ``logical`` is what the system shows, ``cores`` the physical ones.

    ``performance`` and ``efficiency`` count cores where there are two kinds. ``level`` is the x86-64 microarchitecture level,
    ``features`` what tells of it where the level itself cannot be told. ``nodes`` counts NUMA nodes.
    """

    model: str = ""
    logical: int | None = None
    cores: int | None = None
    performance: int | None = None
    efficiency: int | None = None
    level: int | None = None
    features: tuple[str, ...] = ()
    nodes: int | None = None
    virtual: bool = False


@record
class Memory:
    """Bytes: of the machine, what of it is free to take, swap (Windows: the page files), and /dev/shm."""

    total: int
    available: int | None = None
    swap: int | None = None
    swap_free: int | None = None
    shm: int | None = None
    shm_free: int | None = None


@record
class Cgroup:
    """What the control group leaves this process: ``cpus`` by quota, ``memory`` and ``used`` in bytes; None is no limit.

    ``version`` is 1, 2, or 0 where neither could be told.
    """

    version: int
    cpus: float | None = None
    memory: int | None = None
    used: int | None = None


@record
class Limits:
    """The limits that this process was started with; None is unlimited. ``cpus`` counts those that it may run on.

    ``capabilities`` names those that GPU work asks for, as far as the process has them.
    """

    open_files: int | None = None
    locked_memory: int | None = None
    processes: int | None = None
    address_space: int | None = None
    cpus: int | None = None
    capabilities: tuple[str, ...] = ()


@record
class Disk:
    """The file system under a place (environment, temporary files, home); ``options`` are those that hinder: ro, noexec.

    ``why`` says why ``total`` and ``free`` are None.
    """

    place: str
    path: str
    total: int | None = None
    free: int | None = None
    kind: str = ""
    options: tuple[str, ...] = ()
    why: str = ""


@record
class Disks:
    """The places where torch is installed, unpacked and cached."""

    disks: tuple[Disk, ...]


@record
class Program:
    """A program by the name under which it is found; ``version`` only where its place tells it."""

    name: str
    path: str
    version: str = ""


@record
class Toolchain:
    """Every C++ compiler (those on PATH, Visual Studio's toolsets), and what builds and installs, by name on PATH."""

    compilers: tuple[Program, ...]
    tools: tuple[Program, ...]

    def tool(self, name: str) -> Program | None:
        """The tool of this name."""
        return next((program for program in self.tools if program.name == name), None)


@record
class OtherGpu:
    """A GPU that is not NVIDIA's: its maker and name, address on the bus, kernel driver, memory in bytes."""

    maker: str
    name: str
    address: str = ""
    driver: str = ""
    memory: int | None = None


@record
class OtherGpus:
    """All of them, screens of servers and of virtual machines included."""

    gpus: tuple[OtherGpu, ...]


@record
class CompatLibraries:
    """NVIDIA's forward-compatibility libcuda files that are installed: (path, driver version)."""

    files: tuple[tuple[str, str], ...]
