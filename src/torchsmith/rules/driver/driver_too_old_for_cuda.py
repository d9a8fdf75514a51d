"""
# The driver is too old for this build's CUDA, or for the GPU

## What it means
torch brings its own CUDA runtime, and each CUDA major needs a driver at least as new as that major's floor: 525 for CUDA 12,
580 for CUDA 13; before CUDA 11 each toolkit needed the driver that came with it. Below it CUDA does not start: "The NVIDIA
driver on your system is too old". A GPU needs a driver that knows it: Blackwell begins with 570. An older one loads and shows
no such card.

## How it is told
The driver version, from NVML or the kernel module, against the runtime version in torch/version.py. Inside one CUDA major an
older driver is enough (minor-version compatibility): a driver that prints "CUDA 12.2" runs a cu126 build. A working cuda-compat
library counts for what it adds. For GPUs: the table of what each branch knows, against cards on the bus that the driver does
not show.

## What to do
Update the driver, or install the same torch built with an older CUDA that this driver can run.

## What not to do
Installing a CUDA toolkit does not change the driver. The CUDA version that nvidia-smi prints need not equal torch's.

## Sources
NVIDIA CUDA compatibility guide, minor-version compatibility; driver table (`torchsmith facts drivers`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import drivers
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, key, major
from torchsmith.rules.common import gpu_name, reinstall
from torchsmith.rules.driver.shared import by_you

# A build of a CUDA major, which every driver of that major runs.
OLDER = {"11": "cu118", "12": "cu126"}
LISTED_BY_DRIVER = frozenset({"NVML", "libcuda", "nvidia-smi"})


@rule(
    "driver-too-old-for-cuda",
    explains=("no-nvidia-gpu", "gpu-init-failed-bios-bar", "driver-minor-compat-feature", "cuda-does-not-start"),
)
def check(
    machine: Machine,
    driver: Driver,
    torch: Torch | Unknown | None,
    gpus: Gpus | Unknown | None,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """The driver is below the floor of torch's CUDA major, or of a GPU."""
    windows = machine.os == "windows" or machine.wsl is not None
    if not key(driver.version):
        return
    if isinstance(torch, Torch) and torch.cuda is not None:
        floor = drivers.needed(torch.cuda, windows=windows)
        lifted = driver.compat and driver.cuda is not None and major(driver.cuda) >= major(torch.cuda)
        if floor is not None and not at_least(driver.version, floor) and not lifted:
            # One update cures both: it goes to the higher of the floors.
            of_gpus = [drivers.floor_for_sm(d.sm, windows=windows) for d in gpus if d.sm] if isinstance(gpus, Gpus) else []
            highest = max([floor, *filter(None, of_gpus)], key=key)
            yield _for_build(machine, driver, torch, fitting_build, floor, highest)
            return
    if isinstance(gpus, Gpus) and gpus.witness not in LISTED_BY_DRIVER and not driver.works:
        yield from _for_gpus(machine, driver, gpus, windows)


def _for_build(
    machine: Machine, driver: Driver, torch: Torch, build: FittingBuild | Unknown | None, floor: str, update: str
) -> Finding:
    return Finding(
        Severity.BLOCKER,
        "driver",
        f"driver {driver.version} is too old for CUDA {torch.cuda}, which torch {torch.version} was built with",
        evidence=(
            Proof("driver", f"{driver.version} (runs up to CUDA {driver.cuda})" if driver.cuda else driver.version),
            Proof("torch", f"{torch.version}: CUDA {torch.cuda}, which needs driver {floor} or newer"),
        ),
        remedies=(*reinstall(build, "a build whose CUDA this driver can run"), _update(machine, update)),
        wont_help=(
            WontHelp("Installing a newer CUDA toolkit", "torch brings its own; the driver stays as it is"),
            WontHelp("Reinstalling the same torch", "its CUDA stays the same"),
        ),
    )


def _for_gpus(machine: Machine, driver: Driver, gpus: Gpus, windows: bool) -> Iterator[Finding]:
    for device in gpus:
        floor = drivers.floor_for_sm(device.sm, windows=windows) if device.sm else None
        if floor is None or at_least(driver.version, floor):
            continue
        yield Finding(
            Severity.BLOCKER,
            f"gpu:{device.index}",
            f"driver {driver.version} is too old for {gpu_name(device)}, which it does not know",
            evidence=(
                Proof("driver", driver.version),
                Proof("gpus", f"{gpu_name(device)} needs driver {floor} or newer"),
            ),
            remedies=(_update(machine, floor),),
            wont_help=(WontHelp("Another torch build", "no build can use a GPU that the driver does not show"),),
            confidence=0.9,
        )


def _update(machine: Machine, floor: str) -> Remedy:
    wsl = "; in WSL it is Windows' driver" if machine.wsl else ""
    return by_you(
        f"Update the NVIDIA driver to {floor} or newer", f"the driver belongs to the machine, not to this environment{wsl}"
    )


@told("driver-too-old-for-cuda")
def answer(seen: Seen) -> Advice:
    """By what the text tells of the driver's CUDA and of torch's, or of the image's."""
    machine, smi, torch = seen.value("machine"), seen.value("nvidia_smi"), seen.value("torch")
    windows = bool(machine and (machine.os == "windows" or machine.wsl))
    found = seen.captured("version", "driver-too-old", "cuda-init-warning")
    has = f"{int(found) // 1000}.{int(found) % 1000 // 10}" if found and found != "0" else (smi and smi.cuda) or ""
    wants = seen.captured("needs", "image-asks-newer-driver") or (torch.cuda if torch and torch.cuda else "")
    # An image asks for the very CUDA; a build is content with its major.
    asked = drivers.first_for if seen.has("image-asks-newer-driver") else drivers.needed
    floor = asked(wants, windows=windows) if wants else None
    what = "the image asks for" if seen.has("image-asks-newer-driver") else "torch was built for"
    told = f": {what} CUDA {wants}" if wants else ""
    told += (f", the driver found supports CUDA {has}" if told else f": it supports CUDA {has}") if has else ""
    build = reinstall(seen.value("fitting_build"), "a build whose CUDA this driver can run")
    image = by_you("Or use an image built with an older CUDA, which this driver runs")
    label = OLDER.get(has.partition(".")[0], "")
    older = by_you(
        "Or install the same torch built with an older CUDA" + (f": {label}, or another of its major" if label else ""),
        "builds of one CUDA major run on every driver of that major",
    )
    return Advice(
        "driver",
        f"the NVIDIA driver is too old for the CUDA that the program brings{told}",
        remedies=(
            *build,
            by_you(
                f"Update the NVIDIA driver to {floor} or newer" if floor else "Update the NVIDIA driver",
                "the driver belongs to the machine (for a container, to its host; in WSL, to Windows), not to this environment",
            ),
            *(() if build else (image if seen.has("image-asks-newer-driver") else older,)),
        ),
        wont_help=(
            WontHelp("Installing a newer CUDA toolkit", "the program brings its own; the driver stays as it is"),
            WontHelp(
                "Making nvidia-smi's CUDA version equal torch's",
                "it names what the driver can run at most, not what is installed",
            ),
        ),
        decide_by=(("nvidia-smi",),),
    )
