"""``--assume gpu=, driver=, jetpack=``: the GPUs, and what a working driver with them would answer."""

from __future__ import annotations

from torchsmith.knowledge import drivers
from torchsmith.knowledge import gpus as table
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import Device, Driver, Gpus, Libcuda, NvidiaLibraries, Nvml, PciDevice, PciDevices
from torchsmith.model.facts.hardware import OtherGpu, OtherGpus
from torchsmith.model.known import Known, Unknown
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record
from torchsmith.model.versions import key, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torchsmith.knowledge.other_gpus import OtherGpu as Row
    from torchsmith.model.facts.machine import Machine
    from torchsmith.model.known import Fact

    Facts = dict[str, Fact[Any]]

_DRIVER = pattern(r"[0-9]{1,4}(?:\.[0-9]{1,5}){0,3}")
ARM = frozenset({"jetson", "unified"})
"""The kinds of GPU that are built into an Arm machine."""


MOST = 64
"""GPUs that one machine may have."""


@record
class Named:
    """The GPUs of an assumption: NVIDIA's as devices with the kind of each, and those of other makers."""

    devices: tuple[Device, ...] = ()
    kinds: tuple[str, ...] = ()
    others: tuple[Row, ...] = ()


def named(names: Sequence[str]) -> Named:
    """The GPUs of these names; none for ``none``.

    Raises:
        UsageError: nobody knows a GPU of that name.

    """
    if [name.lower() for name in names] == ["none"]:
        return Named()
    if len(names) > MOST:
        raise UsageError(f"{len(names)} GPUs are assumed, and no machine has more than {MOST}")
    devices: list[Device] = []
    kinds: list[str] = []
    others: list[Row] = []
    for name in names:
        found = _nvidia(len(devices), name)
        if found:
            devices.append(found[0])
            kinds.append(found[1])
        else:
            others.append(_other(name))
    return Named(tuple(devices), tuple(kinds), tuple(others))


def facts(names: Sequence[str] | None, gpus: Named, version: str | None, machine: Machine) -> Facts:
    """What a working driver with these GPUs would answer; nothing of a driver where there is no GPU of NVIDIA's."""
    source = "assumed: " + ", ".join([*(f"gpu={name}" for name in names or ()), *([f"driver={version}"] if version else [])])
    if version is not None and not _DRIVER.fullmatch(version):
        raise UsageError(f"`--assume driver={version}`: a driver version looks like 581.57 or 535.183.01")
    windows = machine.os == "windows" or machine.wsl is not None
    cuda = drivers.max_cuda(version, windows=windows) if version else None
    made = Known(Driver(version, None, cuda, works=None), source) if version else None
    if names is None:
        return {"driver": made} if made else {}
    if gpus.devices:
        nvml = Nvml(loaded=True, status=0, driver=version, cuda=cuda, devices=gpus.devices)
        libraries = NvidiaLibraries(nvml, Libcuda(loaded=True, status=0, cuda=cuda, devices=gpus.devices))
    else:
        libraries = NvidiaLibraries(Nvml(loaded=False), Libcuda(loaded=False))
    stack: Facts = {
        # No driver listed them: whether this driver would know such a GPU is for a rule to say.
        "gpus": Known(Gpus(gpus.devices, "assumption"), source),
        "nvidia_libraries": Known(libraries, source),
        "nvidia_smi": Known(None, source),
        "kernel_module": Known(None, source),
        "pci_devices": Known(PciDevices(tuple(_on_the_bus(row) for row in gpus.others)), source),
    }
    if gpus.others:
        stack["other_gpus"] = Known(OtherGpus(tuple(OtherGpu(row.maker, row.name) for row in gpus.others)), source)
    if made is not None:
        stack["driver"] = made
    else:
        unknown = Unknown("not assumed: add --assume driver=VERSION", (source,))
        stack["driver"] = unknown if gpus.devices else Known(None, source)
    return stack


def untold() -> Facts:
    """Of another machine whose GPUs nobody named: that there is none is not said either."""
    unknown = Unknown("not assumed: add --assume gpu=NAME, or gpu=none", ("--assume",))
    return {"gpus": unknown, "driver": unknown, "nvidia_libraries": unknown, "pci_devices": unknown}


def jetson(gpus: Named, pack: str | None, machine: Machine) -> Facts:
    """Whether it is a Jetson: by its GPU, or because its JetPack is named.

    Raises:
        UsageError: there is no such JetPack, or the machine is none that has one.

    """
    board = next((device.name for device, kind in zip(gpus.devices, gpus.kinds, strict=True) if kind == "jetson"), None)
    arm = machine.os == "linux" and machine.arch == "aarch64"
    if pack is None:
        if not arm or not (board or gpus.devices):
            return {}
        return {"jetson": Known(Jetson(board) if board else None, f"assumed: gpu={board or gpus.devices[0].name}")}
    if not arm:
        raise UsageError(f"`--assume jetpack={pack}`: JetPack runs on Jetson boards: Linux on aarch64")
    from torchsmith.knowledge import jetson as packs

    release = packs.linux_of(major(pack)) if key(pack) else None
    if release is None:
        known = ", ".join(str(number) for number in packs.known())
        raise UsageError(f"`--assume jetpack={pack}`: no such JetPack is known; there are {known}")
    return {"jetson": Known(Jetson(board or "Jetson", release), f"assumed: jetpack={pack}")}


def _nvidia(index: int, name: str) -> tuple[Device, str] | None:
    """A GPU of NVIDIA's by its product name, or by its compute capability alone (``sm_120``, ``12.0``), and its kind."""
    bare = name.lower().removeprefix("sm_")
    if bare.replace(".", "", 1).isdigit():
        number = key(bare)
        sm = number[0] * 10 + number[1] if len(number) == 2 else number[0]
        return Device(index, f"GPU of compute capability {sm // 10}.{sm % 10}", sm), ""
    row = table.by_name(name)
    return (Device(index, row.name or name, row.sm), row.klass or "") if row else None


def _other(name: str) -> Row:
    from torchsmith.knowledge import other_gpus

    row = other_gpus.by_name(name)
    if row is None:
        near = [*table.nearest(name), *other_gpus.nearest(name)]
        raise UsageError(f"no GPU is known as `{name}`" + (f"; the nearest are {', '.join(near)}" if near else ""))
    return row


def _on_the_bus(row: Row) -> PciDevice:
    return PciDevice("", row.vendor, row.device, name=row.name)
