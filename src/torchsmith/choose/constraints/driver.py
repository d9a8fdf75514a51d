"""What the driver runs: the CUDA of the build, outright or by compatibility, and the GPUs themselves."""

from __future__ import annotations

from torchsmith.choose import hardware
from torchsmith.choose.constraint import constraint
from torchsmith.knowledge import drivers, jetson
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.hardware import CompatLibraries
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, key, major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.gpu import Device

SOURCE = "NVIDIA CUDA compatibility guide; torchsmith facts drivers"
LISTED_BY_DRIVER = frozenset({"NVML", "libcuda", "nvidia-smi"})


@constraint("driver", "cuda")
def driver(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A CUDA build needs a driver of its CUDA, or of the same major from that major's floor on."""
    if candidate.cuda is None:
        return None
    cuda, windows = candidate.cuda, situation.windows_driver
    lowest = drivers.needed(cuda, windows=windows)
    if lowest is None:
        return Risk(f"which driver CUDA {minor(cuda)} needs is not known", 0.3)
    have = situation.driver
    if not isinstance(have, Driver) or not key(have.version):
        gone = _gone_before(lowest, situation)
        if gone:
            return Reason("driver", f"CUDA {minor(cuda)} needs a driver from {lowest} on, and {gone}", SOURCE)
        what = "which driver is here is not known" if have is not None else "no driver is here yet"
        return Risk(f"it needs a driver from {lowest} on, and {what}", 0.2)
    if drivers.runs(have.version, cuda, windows=windows):
        return _compatible(have.version, cuda, windows=windows)
    return _raised(cuda, have, situation) or _too_old(cuda, lowest, have, situation)


def _compatible(version: str, cuda: str, *, windows: bool) -> Risk | None:
    """What is less well with a driver that is older than the build's CUDA, or newer than the tables."""
    newest = drivers.branches()[-1]
    if drivers.branch(version, windows=windows) is None and major(version) > max(newest.windows_major_to, major(newest.name)):
        return Risk(f"driver {version} is newer than the tables: it is judged as {newest.name}, the newest known", 0.05)
    if drivers.runs_natively(version, cuda, windows=windows):
        return None
    supports = drivers.branch_at_least(version, windows=windows)
    upto = f" supports CUDA {supports.max_cuda}:" if supports else ""
    return Risk(f"driver {version}{upto} CUDA {minor(cuda)} runs by minor-version compatibility, without compiling PTX", 0.05)


def _raised(cuda: str, have: Driver, situation: Situation) -> Risk | None:
    """Forward compatibility: a newer libcuda before an older driver, on Linux, for data-centre GPUs and Jetson alone."""
    if have.compat and have.cuda and at_least(have.cuda, minor(cuda)):
        return Risk(f"it runs through the cuda-compat library here, which raises driver {have.version} to CUDA {have.cuda}", 0.2)
    if not _forward(situation):
        return None
    installed = situation.fact("compat_libraries")
    files = installed.files if isinstance(installed, CompatLibraries) else ()
    path = next((path for path, version in files if drivers.runs(version, cuda, windows=False)), "")
    return Risk(f"it runs only with the cuda-compat library {path} before the driver's own", 0.4) if path else None


def _too_old(cuda: str, lowest: str, have: Driver, situation: Situation) -> Reason:
    because = f"CUDA {minor(cuda)} needs a driver from {lowest} on, and {have.version} is older"
    gone = _gone_before(lowest, situation)
    if gone:
        return Reason("driver", f"{because}; {gone}", SOURCE)
    if _forward(situation):
        because += f"; on these GPUs a cuda-compat package of CUDA {minor(cuda)} could stand in for a newer one"
    elif situation.machine.wsl:
        because += " (it is Windows' driver that counts in WSL)"
    board = situation.fact("jetson")
    pack = jetson.jetpack(board.l4t) if isinstance(board, Jetson) else None
    before = pack is not None and pack.major < jetson.GENERAL  # there the driver comes with the system
    return Reason("driver", because, SOURCE, f"JetPack {jetson.GENERAL}" if before else f"driver >= {lowest}")


def _forward(situation: Situation) -> bool:
    """Whether NVIDIA allows cuda-compat here: Linux itself, and nothing but data-centre GPUs and Jetson."""
    if situation.machine.os != "linux" or situation.machine.wsl:
        return False
    rows = [hardware.listed(device) for device in hardware.devices(situation)]
    return bool(rows) and all(row is not None and row.forward_compat is True for row in rows)


def _gone_before(lowest: str, situation: Situation) -> str:
    """The GPU that no driver from ``lowest`` on serves, as half a sentence; empty where there is none."""
    for device in hardware.devices(situation):
        last = drivers.last_branch_for_sm(device.sm) if device.sm else None
        if last is not None and device.sm and not _serves_some(device.sm, lowest, last, windows=situation.windows_driver):
            return f"branch {last} was the last for the {hardware.named(device)}"
    return ""


def _serves_some(sm: int, lowest: str, last: str, *, windows: bool) -> bool:
    branch = drivers.branch_at_least(lowest, windows=windows)
    return branch is None or key(branch.name) <= key(last) or drivers.serves(lowest, sm, windows=windows)


@constraint("driver-knows-gpu", "kind")
def driver_knows_gpu(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A driver serves no GPU that is newer than it, and none whose support it has ended."""
    if candidate.kind != "cuda" or isinstance(situation.gpus, Unknown):
        return None
    asked = [device for device in situation.gpus if device.sm]
    low, high = _window(asked, windows=situation.windows_driver)
    have = situation.driver
    if low and high and not _within(low, high, windows=situation.windows_driver):
        oldest = [device for device in asked if drivers.last_branch_for_sm(device.sm or 0) == high]
        newest = [device for device in asked if drivers.floor_for_sm(device.sm or 0, windows=situation.windows_driver) == low]
        return Reason(
            "driver-knows-gpu",
            f"no driver serves them all: branch {high} was the last for the {hardware.several(oldest)}, "
            f"and the {hardware.several(newest)} needs {low} or newer",
            SOURCE,
        )
    if not isinstance(have, Driver) or not key(have.version):
        return None
    if have.works and situation.gpus.witness in LISTED_BY_DRIVER:
        return None  # the driver itself lists them
    return _told(asked, have.version, situation)


def _told(asked: list[Device], have: str, situation: Situation) -> Reason | Risk | None:
    windows = situation.windows_driver
    unserved = [d for d in asked if d.sm and not drivers.serves(have, d.sm, windows=windows)]
    untold = [d for d in unserved if d.sm and drivers.floor_for_sm(d.sm, windows=windows) is None]
    early = [d for d in unserved if d.sm and (low := drivers.floor_for_sm(d.sm, windows=windows)) and not at_least(have, low)]
    gone = [d for d in unserved if d not in untold and d not in early]
    if early:
        low = max((drivers.floor_for_sm(d.sm or 0, windows=windows) or "" for d in early), key=key)
        because = f"driver {have} does not know the {hardware.several(early)} yet"
        if gone:
            because += f", and no longer serves the {hardware.several(gone)}"
        return Reason("driver-knows-gpu", because, SOURCE, f"driver >= {low}")
    if gone:
        high = min((drivers.last_branch_for_sm(d.sm or 0) or "" for d in gone), key=key)
        because = f"driver {have} no longer serves the {hardware.several(gone)}: branch {high} was the last"
        return Reason("driver-knows-gpu", because, SOURCE, f"driver <= {high}")
    return Risk(f"from which driver on the {hardware.several(untold)} works is not known", 0.3) if untold else None


def _window(asked: list[Device], *, windows: bool) -> tuple[str | None, str | None]:
    """The lowest driver that knows them all, and the last branch that still serves them all."""
    lows = [low for device in asked if device.sm and (low := drivers.floor_for_sm(device.sm, windows=windows))]
    highs = [high for device in asked if device.sm and (high := drivers.last_branch_for_sm(device.sm))]
    return max(lows, key=key, default=None), min(highs, key=key, default=None)


def _within(low: str, high: str, *, windows: bool) -> bool:
    branch = drivers.branch_at_least(low, windows=windows)
    return branch is None or key(branch.name) <= key(high)
