"""What the answers on GPU code say alike: the GPU as the text names it, and the torch build that serves it."""

from __future__ import annotations

from torchsmith.knowledge import archs, torch_builds
from torchsmith.model.complaint import Seen
from torchsmith.model.finding import Remedy, Safety
from torchsmith.model.versions import compute_capability
from torchsmith.rules.common import reinstall
from torchsmith.rules.readings import told

RUN_TIME = "it is read when torch or an extension is compiled, not at run time"


def gpu(seen: Seen) -> str:
    """``the GPU (compute capability 12.0, Blackwell)``; less where the text tells less."""
    found = told.capabilities(seen)
    names = [device.name for device in seen.value("gpus") or () if device.name]
    name = names[0] if names else "the GPU"
    if not found:
        return name
    family = archs.architecture(found[0])
    return f"{name} (compute capability {compute_capability(found[0])}{f', {family}' if family else ''})"


def build(seen: Seen) -> tuple[Remedy, ...]:
    """The torch to install: by all facts where they are told, else the newest published one with code for the GPU."""
    why = "it has code for this GPU; torchvision and torchaudio belong to it"
    known = reinstall(seen.value("fitting_build"), why)
    sms = told.capabilities(seen)
    if known or not sms:
        return known
    machine = seen.value("machine")
    windows = bool(machine and machine.os == "windows")
    platform = machine.platform if machine else "linux-x86_64"
    found = torch_builds.fitting(sms[:1], platform=platform, windows=windows)
    if not found:
        return ()
    best = found[0]
    command = ("pip", "install", "--force-reinstall", f"torch=={best.torch}", "torchvision", "--index-url", best.index_url)
    return (Remedy(f"Install torch {best.torch} built with {best.build}", why, Safety.DISPLAY_ONLY, commands=(command,)),)
