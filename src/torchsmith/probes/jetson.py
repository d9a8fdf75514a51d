"""Whether this is a Jetson, and which release of Jetson Linux it runs."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known

RELEASE, MODEL = "/etc/nv_tegra_release", "/proc/device-tree/model"


@probe
def jetson(host: Host, machine: Machine) -> Fact[Jetson | None]:
    """Read Jetson Linux' release file and the device tree's model; only 64-bit Arm has either."""
    if machine.os != "linux" or machine.arch != "aarch64":
        return Known(None, f"{machine.platform} is no Jetson")
    found = parse(text_of(host.read(RELEASE, 1 << 12)), text_of(host.read(MODEL, 1 << 10)))
    return Known(found, f"{RELEASE}, {MODEL}")


def parse(release: str, model: str) -> Jetson | None:
    """The Jetson of the two texts; None for another board.

    ``# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: ...``; the model ends in a NUL.
    """
    numbers = re.search(r"#\s*R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)", release)
    name = model.replace("\0", "").strip()
    named = bool(re.search(r"jetson|nvidia orin|nvidia thor|^quill$", name, re.IGNORECASE))
    if numbers is None and not named:
        return None
    return Jetson(name, f"{numbers[1]}.{numbers[2]}" if numbers else "")
