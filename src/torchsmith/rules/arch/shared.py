"""What the answers on GPU code say alike: the GPU as the text names it, and the torch build that serves it."""

from __future__ import annotations

from torchsmith.knowledge import archs, companions, drivers, torch_builds
from torchsmith.model.action import InstallTorch
from torchsmith.model.complaint import Seen
from torchsmith.model.finding import Remedy, Safety
from torchsmith.model.versions import compute_capability
from torchsmith.rules.common import reinstall
from torchsmith.rules.readings import told

RUN_TIME = "it is read when torch or an extension is compiled, not at run time"


def gpu(seen: Seen, age: str = "") -> str:
    """``the GPU (compute capability 12.0, Blackwell)``; less where the text tells less.

    ``age`` says which of several it is about: the ``newer`` one or the ``older`` one, else the first.
    """
    found = told.capabilities(seen)
    devices = [device for device in seen.value("gpus") or () if device.name]
    if not found:
        return devices[0].name if len(devices) == 1 else "the GPU"
    sm = found[-1] if age == "newer" else found[0]
    # A single device of unknown capability is the one that is spoken of.
    name = next((device.name for device in devices if device.sm == sm or (device.sm is None and len(devices) == 1)), "the GPU")
    family = archs.architecture(sm)
    return f"{name} (compute capability {compute_capability(sm)}{f', {family}' if family else ''})"


def build(seen: Seen, age: str = "") -> tuple[Remedy, ...]:
    """The torch to install: by all facts where they are told, else the newest published one with code for every GPU here."""
    why = "it has code for this GPU; torchvision and torchaudio belong to it"
    known = reinstall(seen.value("fitting_build"), why)
    failing = told.capabilities(seen)
    if known or not failing:
        return known
    every = tuple(sorted({*failing, *(device.sm for device in seen.value("gpus") or () if device.sm)}))
    best = _newest(every, seen)
    if best:
        return (install(best, why, seen),)
    own = failing[-1] if age == "newer" else failing[0]
    best = _newest((own,), seen)
    if best is None:
        return ()
    none = f"no published build of torch serves all of {', '.join(map(compute_capability, every))}; this one serves"
    return (install(best, f"{none} {compute_capability(own)}: give each GPU an environment of its own", seen),)


def install(best: torch_builds.Build, why: str, seen: Seen) -> Remedy:
    """This build with the companions that belong to it, and the driver that it asks for where none is told."""
    belonging = companions.for_torch(best.torch)
    pairs = (("torchvision", belonging.torchvision), ("torchaudio", belonging.torchaudio)) if belonging else ()
    kept = tuple((name, version) for name, version in pairs if version and (name == "torchvision" or seen.package(name)))
    needed = drivers.needed(best.cuda, windows=seen.os == "windows") if best.cuda and not seen.value("driver") else None
    asks = f"; it asks for driver {needed} or newer" if needed else ""
    action = InstallTorch(best.torch, best.build, best.index_url, kept)
    return Remedy(f"Install torch {best.torch} built with {best.build}", why + asks, Safety.DISPLAY_ONLY, (action,))


def _newest(sms: tuple[int, ...], seen: Seen) -> torch_builds.Build | None:
    machine, driver, interpreter = seen.value("machine"), seen.value("driver"), seen.value("interpreter")
    found = torch_builds.fitting(
        sms,
        platform=machine.platform if machine else "linux-x86_64",
        driver=driver.version or None if driver else None,
        windows=seen.os == "windows",
        python_tag=interpreter.tag if interpreter else None,
    )
    return found[0] if found else None
