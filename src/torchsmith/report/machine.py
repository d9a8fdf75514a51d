"""The machine in one block, for ``--verbose``: each fact in a few words, what is unknown with its reason.

Pure: facts in, rows of label and text out. What a table below names is collected for this page and for JSON.
"""

from __future__ import annotations

from torchsmith.model.facts.gpu import NVIDIA
from torchsmith.model.known import Known, Unknown
from torchsmith.report import environment
from torchsmith.report.words import NONE, listed, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from torchsmith.model.facts.gpu import Device
    from torchsmith.model.facts.hardware import Program
    from torchsmith.model.known import Fact

COMPUTE_MODES = {0: "default", 1: "exclusive thread", 2: "prohibited", 3: "exclusive process"}
FABRIC = {1: "not started", 2: "in progress"}
BUILD_TOOLS = ("cmake", "ninja", "ccache", "git")


def rows(facts: Mapping[str, Fact[Any]]) -> Iterator[tuple[str, str]]:
    """Label and text of every line; outside text is not escaped here. An empty label continues the one before."""
    for label, names, show in _ROWS:
        if names[0] in facts:
            texts = [text for text in _texts(facts, names, show) if text]
            yield from zip((label, *[""] * len(texts)), texts, strict=False)


def _texts(facts: Mapping[str, Fact[Any]], names: tuple[str, ...], show: Callable[..., Any]) -> Iterable[str]:
    """What ``show`` makes of the facts: the first one must be Known, the others are handed over as None where they are not."""
    fact = facts[names[0]]
    if isinstance(fact, Unknown):
        return (f"unknown ({fact.reason})",)
    others = (facts.get(name) for name in names[1:])
    shown: str | Iterator[str] = show(fact, *(other.value if isinstance(other, Known) else None for other in others))
    return (shown,) if isinstance(shown, str) else shown


def _system(fact: Known[Any]) -> str:
    machine = fact.value
    return listed(
        f"{machine.distro_name or machine.os}",
        machine.arch,
        machine.kernel and f"kernel {machine.kernel}",
        machine.libc and f"{machine.libc} {machine.libc_version}".strip(),
        machine.windows_build and f"build {machine.windows_build}",
        machine.user_id == 0 and "run by root",
    )


def _computer(fact: Known[Any]) -> str:
    computer = fact.value
    name = f"{computer.maker} {computer.product}".strip()
    boot = {True: "Secure Boot on", False: "Secure Boot off", None: ""}[computer.secure_boot]
    return listed(name, boot) or "it does not say"


def _processor(fact: Known[Any], limits: Any, cgroup: Any, cpu: Any) -> str:
    processor = fact.value
    level = processor.level or (cpu.level if cpu else None)
    kinds = f" ({processor.performance} P, {processor.efficiency} E)" if processor.efficiency else ""
    threads = processor.logical
    allowed = limits.cpus if limits else None
    return listed(
        processor.model,
        f"x86-64-v{level}" if level else " ".join(processor.features),
        processor.cores and f"{processor.cores} core{_s(processor.cores)}{kinds}",
        threads and f"{threads} thread{_s(threads)}",
        processor.nodes and processor.nodes > 1 and f"{processor.nodes} NUMA nodes",
        allowed and threads and allowed < threads and f"{allowed} allowed by affinity",
        cgroup and cgroup.cpus is not None and f"quota of {cgroup.cpus:.3g} (control group)",
        processor.virtual and "virtual",
    )


def _memory(fact: Known[Any], cgroup: Any, settings: Any) -> str:
    memory = fact.value
    limit = cgroup.memory if cgroup and cgroup.memory and cgroup.memory < memory.total else None
    swap = None if memory.swap is None else f"swap {size(memory.swap)}" if memory.swap else "no swap"
    pages = settings.page_files if settings else None
    shm = None if memory.shm is None else f"/dev/shm {size(memory.shm)}"  # noqa: S108 - its name
    less = memory.shm_free is not None and memory.shm_free < memory.shm * 0.9
    return listed(
        size(memory.total),
        memory.available is not None and f"{size(memory.available)} available",
        limit and f"limit {size(limit)} (control group, {size(cgroup.used or 0)} used)",
        swap if pages is None else f"page file {_page_files(pages)}",
        shm and shm + (f" ({size(memory.shm_free)} free)" if less else ""),
    )


def _page_files(files: tuple[tuple[str, int, int], ...]) -> str:
    if not files:
        return "switched off"
    return " + ".join(f"{path} {first}-{last} MiB" if last else f"{path} sized by Windows" for path, first, last in files)


def _limits(fact: Known[Any]) -> str:
    limits = fact.value
    if limits is None:
        return NONE
    return listed(
        f"open files {limits.open_files if limits.open_files is not None else 'unlimited'}",
        f"locked memory {size(limits.locked_memory) if limits.locked_memory is not None else 'unlimited'}",
        limits.processes is not None and f"processes {limits.processes}",
        limits.address_space is not None and f"address space {size(limits.address_space)}",
    )


def _disks(fact: Known[Any]) -> Iterator[str]:
    for disk in fact.value.disks:
        room = f"room unknown ({disk.why})" if disk.free is None else f"{size(disk.free)} free of {size(disk.total)}"
        yield f"{disk.place} {disk.path}: {listed(room, disk.kind, *disk.options)}"


def _gpus(fact: Known[Any]) -> Iterator[str]:
    if not fact.value:
        yield "no NVIDIA GPU"
    for device in fact.value or ():
        yield _gpu(device)


def _gpu(device: Device) -> str:
    mode = COMPUTE_MODES.get(device.compute_mode, str(device.compute_mode)) if device.compute_mode is not None else ""
    mig = "" if device.mig is None else "MIG off" if not device.mig else f"MIG on ({_instances(device)})"
    sm = f"compute capability {device.sm // 10}.{device.sm % 10}" if device.sm else "compute capability unknown"
    return f"{device.index}: " + listed(
        device.name or "name unknown",
        sm,
        device.memory and size(device.memory),
        device.pci,
        mig,
        mode and f"compute mode {mode}",
        device.display is not None and ("drives a display" if device.display else "no display"),
        device.persistence is not None and f"persistence {'on' if device.persistence else 'off'}",
        device.fabric in FABRIC and f"fabric {FABRIC.get(device.fabric or 0)}",
    )


def _instances(device: Device) -> str:
    return "instances unknown" if device.mig_instances is None else f"{device.mig_instances} instance{_s(device.mig_instances)}"


def _other_gpus(fact: Known[Any]) -> Iterator[str]:
    for gpu in fact.value.gpus:
        name = gpu.name if gpu.name.startswith(gpu.maker) else f"{gpu.maker} {gpu.name}"
        yield listed(name, gpu.address, gpu.driver and f"driver {gpu.driver}", gpu.memory and size(gpu.memory))


def _driver(fact: Known[Any], module: Any, state: Any, pci: Any) -> str:
    driver = fact.value
    nvidia = any(device.vendor == NVIDIA for device in pci.gpus) if pci else False
    loaded = bool(module and module.loaded)
    if driver is None and not loaded:
        held = [name for name in ("nouveau", "nova") if module and getattr(module, name)]
        return listed("none", nvidia and held and f"{held[0]} is loaded")
    works = driver.works if driver else None
    return listed(
        driver.version if driver else "no library of it",
        driver and driver.cuda and f"CUDA up to {driver.cuda}{' by forward compatibility' if driver.compat else ''}",
        f"kernel module {module.version or 'of unknown version'} {module.flavour}".rstrip() if loaded else "",
        loaded and ("nvidia_uvm loaded" if module.uvm else "nvidia_uvm not loaded"),
        {True: "works", False: "does not work", None: ""}[works],
        state and state.says and works is False and state.says,
    )


def _compat(fact: Known[Any]) -> Iterator[str]:
    return (f"{version}: {path}" for path, version in (fact.value.files if fact.value else ()))


def _nodes(fact: Known[Any]) -> str:
    nodes = fact.value.nodes if fact.value else ()
    refused = [node.path for node in fact.value.refused] if fact.value else []
    names = " ".join(node.path.removeprefix("/dev/") for node in nodes)
    return listed(names, refused and f"refused to this user: {' '.join(refused)}")


def _toolkits(fact: Known[Any]) -> Iterator[str]:
    toolkits = fact.value
    if toolkits is None:
        yield f"none ({fact.source})"
        return
    for toolkit in toolkits.found:
        mine = toolkit.path == toolkits.active
        yield f"CUDA {toolkit.version or 'of unknown version'}: " + listed(
            toolkit.path,
            not toolkit.nvcc and "no nvcc",
            mine and f"active ({toolkits.why})",
            toolkit.path == toolkits.on_path and toolkits.why != "PATH" and "first on PATH",
            toolkit.missing and f"lacks {' '.join(toolkit.missing)}",
        )
    if toolkits.active and toolkits.at(toolkits.active) is None:
        yield f"{toolkits.why} names {toolkits.active}, where there is none"


def _compilers(fact: Known[Any], active: Any) -> str:
    found = [f"{_named(program)}: {program.path}" for program in fact.value.compilers]
    chosen = active and f"nvcc would take {active.name} {active.version} ({active.why})"
    return listed(*found, chosen, separator="; ") or NONE


def _named(program: Program) -> str:
    if not program.version:
        return f"{program.name} (version not told by its place)"
    return program.name if program.name.endswith(f"-{program.version}") else f"{program.name} {program.version}"


def _tools(fact: Known[Any]) -> str:
    found = [f"{p.name} {p.version}".rstrip() + f": {p.path}" for p in fact.value.tools]
    absent = [name for name in BUILD_TOOLS if fact.value.tool(name) is None]
    return listed(*found, absent and f"not on PATH: {' '.join(absent)}", separator="; ")


def _container(fact: Known[Any], limits: Any) -> str:
    container = fact.value
    if container is None:
        return NONE
    return listed(
        f"{container.kind or 'of unknown kind'} ({' '.join(container.marks)})",
        container.snap and "Docker from a snap",
        *container.image,
        limits and f"capabilities {' '.join(limits.capabilities) or 'none that GPU work asks for'}",
    )


def _wsl(fact: Known[Any]) -> str:
    wsl = fact.value
    return (
        ""
        if wsl is None
        else listed(
            str(wsl.version),
            "/dev/dxg" if wsl.dxg else "no /dev/dxg",
            "Windows' libcuda" if wsl.library else "no libcuda of Windows'",
            wsl.linux_libraries and f"a Linux driver too: {' '.join(wsl.linux_libraries)}",
        )
    )


def _jetson(fact: Known[Any]) -> str:
    jetson = fact.value
    return "" if jetson is None else listed(jetson.model, jetson.l4t and f"Jetson Linux {jetson.l4t}")


def _s(number: int) -> str:
    return "" if number == 1 else "s"


_ROWS: tuple[tuple[str, tuple[str, ...], Callable[..., Any]], ...] = (
    ("System", ("machine",), _system),
    ("Computer", ("computer",), _computer),
    ("Container", ("container", "limits"), _container),
    ("WSL", ("wsl",), _wsl),
    ("Jetson", ("jetson",), _jetson),
    ("Processor", ("processor", "limits", "cgroup", "cpu"), _processor),
    ("Memory", ("memory", "cgroup", "windows_settings"), _memory),
    ("Limits", ("limits",), _limits),
    ("Disk", ("disks",), _disks),
    ("GPU", ("gpus",), _gpus),
    ("Other GPU", ("other_gpus",), _other_gpus),
    ("Driver", ("driver", "kernel_module", "driver_state", "pci_devices"), _driver),
    ("Compat", ("compat_libraries",), _compat),
    ("Devices", ("device_nodes",), _nodes),
    ("Toolkits", ("toolkits",), _toolkits),
    ("Compilers", ("toolchain", "host_compiler"), _compilers),
    ("Tools", ("toolchain",), _tools),
    *environment.ROWS,
)
SHOWN = frozenset(name for _, names, _ in _ROWS for name in names)
