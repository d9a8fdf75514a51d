"""What a machine lets one say beside the options: what contradicts itself, which GPU limits, where the releases end."""

from __future__ import annotations

from torchsmith.choose import coverage, hardware
from torchsmith.knowledge import drivers, jetson, torch_builds
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import AMD, Driver
from torchsmith.model.known import Known, Unknown
from torchsmith.model.versions import cuda_of_label, key, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.gpu import Device


def of(situation: Situation) -> Iterator[str]:
    """The remarks, what is wrong first."""
    yield from _untold(situation)
    yield from _contradictions(situation)
    yield from _systems(situation)
    yield from _mixed(situation)
    yield from _end(situation)
    yield from _uv(situation)


def _version(situation: Situation) -> str:
    have = situation.driver
    return have.version if isinstance(have, Driver) and key(have.version) else ""


def _untold(situation: Situation) -> Iterator[str]:
    """What everything else rests on and nobody could tell."""
    if isinstance(situation.fact("machine"), Unknown):
        yield (
            "Which system this is nobody could tell: it is taken for Linux on x86-64, glibc's version left open. Where that is "
            "wrong, so are the options: `--assume os=windows` or another says it."
        )
    if isinstance(situation.gpus, Unknown) and situation.machine.os != "macos":
        yield (
            "Which GPU is there is not known, so builds for NVIDIA GPUs are offered at a risk: `--assume gpu=NAME`, or "
            "`gpu=none`, decides it."
        )
    known = situation.others.get("local_wheels")
    if situation.wishes.offline and isinstance(known, Known) and known.source.startswith("no wheels are assumed"):
        yield (
            "Into a machine that is not this one nobody can look: without the network it has what is assumed to be installed, "
            "and wheels only in a folder that is assumed too, `--assume variable=PIP_FIND_LINKS=FOLDER`."
        )


def _contradictions(situation: Situation) -> Iterator[str]:
    """What cannot be true together, or does not work together."""
    machine, version = situation.machine, _version(situation)
    there = hardware.devices(situation)
    if machine.os == "macos" and there:
        yield f"macOS has no driver for the {hardware.several(there)}: torch cannot use it there."
    elif machine.os == "macos" and version:
        yield f"NVIDIA has no driver for this macOS, and no build for it has CUDA: driver {version} plays no part."
    if machine.os != "linux" and machine.libc == "glibc":
        yield "glibc belongs to Linux: here it plays no part."
    if machine.os == "macos":
        return
    boards = [device for device in there if (row := hardware.listed(device)) and row.klass in {"jetson", "unified"}]
    if boards and machine.arch != "aarch64":
        yield f"The {hardware.several(boards)} is part of an Arm board, and this machine is {machine.arch}: one is mistaken."
    if version and there:
        yield from _driver_and_gpus(version, there, situation)
    if version:
        yield from _numbering(version, situation)


def _driver_and_gpus(version: str, there: tuple[Device, ...], situation: Situation) -> Iterator[str]:
    windows = situation.windows_driver
    for device in {device.sm: device for device in there if device.sm}.values():
        low, last = drivers.floor_for_sm(device.sm or 0, windows=windows), drivers.last_branch_for_sm(device.sm or 0)
        if drivers.serves(version, device.sm or 0, windows=windows) or low is None:
            continue
        name = hardware.named(device)
        branch = drivers.branch_at_least(version, windows=windows)
        if last and branch and key(branch.name) > key(last):
            yield f"Driver {version} and the {name} do not go together: branch {last} was the last that serves it."
        else:
            yield f"Driver {version} and the {name} do not go together: it needs {low} or newer, and this one does not show it."


def _numbering(version: str, situation: Situation) -> Iterator[str]:
    """A number that only the other system's drivers have."""
    windows = situation.windows_driver
    if drivers.branch(version, windows=windows) is not None or drivers.branch(version, windows=not windows) is None:
        return
    here = "Windows' driver, which counts in WSL too," if windows else "a Linux driver"
    yield f"No branch of {here} is numbered {version}; {'Linux' if windows else 'Windows'} has one."


def _systems(situation: Situation) -> Iterator[str]:
    """What a system has beside the published builds."""
    machine, there = situation.machine, hardware.devices(situation)
    if machine.os == "macos" and machine.arch == "aarch64":
        yield "The macOS wheel uses the Apple GPU by itself: its device is mps, and there is no other build to choose."
    if machine.platform == "macos-x86_64":
        last = max((build.torch for build in torch_builds.builds(machine.platform)), key=key)
        yield f"torch {last} is the last release with wheels for macOS on Intel; conda-forge goes on from there."
    if machine.platform == "windows-arm64" and there:
        names = hardware.several(there)
        yield f"For Windows on Arm PyTorch publishes CPU builds only; a CUDA build for the {names} is NVIDIA's own."
    amd = hardware.others(situation, "rocm")
    if machine.os == "windows" and not isinstance(amd, Unknown) and amd and not there:
        names = hardware.joined(hardware.other_name(device) for device in amd if device.vendor == AMD)
        yield f"PyTorch publishes ROCm builds for Linux only; for the {names} on Windows AMD has wheels of its own."
    board = situation.fact("jetson")
    pack = jetson.jetpack(board.l4t) if isinstance(board, Jetson) else None
    if pack is not None and pack.major < jetson.GENERAL:
        yield (
            f"JetPack {pack.major} takes NVIDIA's own torch wheel (CUDA {pack.cuda}, Python {pack.python}) or its l4t container; "
            "the wheels of the package index are made for Arm servers."
        )
    unserved = [device for device in there if device.sm and not coverage.ever(device.sm, machine.platform)]
    if unserved and machine.os != "macos" and machine.platform != "windows-arm64":
        yield f"No build of torch that the tables list for this system has code for the {hardware.several(unserved)}."


def _mixed(situation: Situation) -> Iterator[str]:
    """Which GPU holds the others back, and what its absence would give."""
    every, platform = hardware.capabilities(situation), situation.machine.platform
    if len(every) < 2:
        return
    together = coverage.last_release(every, platform)
    best: tuple[tuple[int, ...], tuple[int, ...], coverage.Carried, int] | None = None
    for left in every:
        alone = coverage.last_release(tuple(sm for sm in every if sm != left), platform)
        if alone is None or (together is not None and _place(alone) <= _place(together)):
            continue
        if best is None or _place(alone) > best[:2]:
            best = (*_place(alone), alone, left)
    if best is None:
        return
    _, _, gain, left = best
    limits = [device for device in hardware.devices(situation) if device.sm == left]
    others = [device for device in hardware.devices(situation) if device.sm != left]
    have = f"up to torch {together.torch} with {together.build}" if together else "none of the wheels"
    yield (
        f"The {hardware.several(limits)} limits this machine: {have} {'serves' if together else 'serve'} all its GPUs. "
        f"CUDA_VISIBLE_DEVICES={','.join(str(device.index) for device in others)} with CUDA_DEVICE_ORDER=PCI_BUS_ID lets the "
        f"{hardware.several(others)} run alone, up to torch {gain.torch} with {gain.build}."
    )


def _place(carried: coverage.Carried) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return key(carried.torch), key(cuda_of_label(carried.build) or "")


def _end(situation: Situation) -> Iterator[str]:
    """The last release with a wheel that serves these GPUs and runs on this driver, where newer ones have none."""
    every, sms, there = (
        coverage.builds(situation.machine.platform, "wheel"),
        hardware.capabilities(situation),
        hardware.devices(situation),
    )
    if not every or not there or isinstance(situation.fact("jetson"), Jetson):
        return
    version, windows = _version(situation), situation.windows_driver
    if version and not all(drivers.serves(version, sm, windows=windows) for sm in sms):
        version = ""  # another driver is needed first
    cudas = {carried.build: cuda_of_label(carried.build) or "" for carried in every}
    runs = {label: not version or drivers.runs(version, cuda, windows=windows) for label, cuda in cudas.items()}
    serving = [carried for carried in every if coverage.serves(carried, sms)]
    last = max((carried for carried in serving if runs[carried.build]), key=_place, default=None)
    if last is None or key(last.torch) >= key(every[-1].torch):
        return
    floors = [drivers.needed(cudas[c.build], windows=windows) or "" for c in serving if key(c.torch) > key(last.torch)]
    for_driver = f" with driver {version}" if floors and version else ""
    limits = [d for d in there if d.sm and _ends(d.sm, situation.machine.platform, last.torch)]
    names = hardware.several(there if floors else limits or there)
    them = "it" if len({d.name for d in (limits or there)}) == 1 else "them all"
    majors = sorted({major(cudas[carried.build]) for carried in every if key(carried.torch) > key(last.torch)})
    alone = f"have CUDA {hardware.joined(map(str, majors), 'or')} only and " if major(cudas[last.build]) not in majors else ""
    then = f"need driver {min(floors, key=key)}" if floors else f"do not serve {them}"
    yield f"For the {names}{for_driver} torch {last.torch} with {last.build} is the last release: newer wheels {alone}{then}."


def _ends(sm: int, platform: str, torch: str) -> bool:
    alone = coverage.last_release((sm,), platform)
    return alone is not None and key(alone.torch) <= key(torch)


def _uv(situation: Situation) -> Iterator[str]:
    """What uv takes by itself looks at the driver alone."""
    version, sms = _version(situation), hardware.capabilities(situation)
    platform, windows = situation.machine.platform, situation.windows_driver
    every = coverage.builds(platform, "wheel")
    label = coverage.newest_label(version, windows=windows) if version and sms and every else None
    if label is None or not all(drivers.serves(version, sm, windows=windows) for sm in sms):
        return
    own = [carried for carried in every if carried.build == label]
    if not own or any(coverage.serves(carried, sms) for carried in own):
        return
    right = [c for c in every if coverage.serves(c, sms) and drivers.runs(version, cuda_of_label(c.build) or "", windows=windows)]
    if not right:
        return
    best = max(right, key=_place)
    without = [d for d in hardware.devices(situation) if d.sm and not any(coverage.serves(carried, (d.sm,)) for carried in own)]
    yield (
        f"uv's `--torch-backend auto` looks at the driver alone and would take {label}, which has no code for the "
        f"{hardware.several(without or hardware.devices(situation))}: name the build, `--torch-backend {best.build}`."
    )
