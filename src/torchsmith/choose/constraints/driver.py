"""What the driver runs: the CUDA of the build, outright or by minor-version compatibility, and the GPUs themselves."""

from __future__ import annotations

from torchsmith.choose.constraint import constraint
from torchsmith.knowledge import drivers
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.known import Unknown
from torchsmith.model.versions import compute_capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation

SOURCE = "NVIDIA CUDA compatibility guide; torchsmith facts drivers"


@constraint("driver", "cuda")
def driver(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A CUDA build needs a driver of its CUDA, or of the same major from that major's floor on."""
    if candidate.cuda is None:
        return None
    windows = situation.windows_driver
    lowest = drivers.needed(candidate.cuda, windows=windows)
    if not isinstance(situation.driver, Driver):
        return Risk(f"it needs a driver from {lowest} on, and which one is here is not known", 0.2)
    have = situation.driver.version
    if drivers.runs(have, candidate.cuda, windows=windows):
        return None
    return Reason(
        "driver", f"CUDA {candidate.cuda} needs a driver from {lowest} on, and {have} is older", SOURCE, f"driver >= {lowest}"
    )


@constraint("driver-knows-gpu", "kind")
def driver_knows_gpu(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A driver serves no GPU that is newer than it, and none whose support it has ended."""
    if candidate.kind != "cuda" or not isinstance(situation.driver, Driver) or isinstance(situation.gpus, Unknown):
        return None
    windows, have = situation.windows_driver, situation.driver.version
    for device in situation.gpus:
        if device.sm is None or drivers.serves(have, device.sm, windows=windows):
            continue
        name = f"the {device.name or 'GPU'} ({compute_capability(device.sm)})"
        lowest, last = drivers.floor_for_sm(device.sm, windows=windows), drivers.last_branch_for_sm(device.sm)
        if last is not None and not drivers.serves(have, device.sm, windows=windows) and lowest and have >= lowest:
            return Reason("driver-knows-gpu", f"driver {have} no longer serves {name}", SOURCE, f"driver <= {last}")
        return Reason("driver-knows-gpu", f"driver {have} does not know {name} yet", SOURCE, f"driver >= {lowest}")
    return None
