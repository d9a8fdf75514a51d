"""The service that sets NVSwitch up, asked only where cuInit says that the system is not ready."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.driver import CUDA, DriverState, FabricManager
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known

SERVICE, PROGRAM = "nvidia-fabricmanager", "nv-fabricmanager"
PID_FILE = "/run/nvidia-fabricmanager/nv-fabricmanager.pid"
SYSTEM_NOT_READY = 802


@probe
def fabric_manager(host: Host, machine: Machine, driver_state: DriverState) -> Fact[FabricManager | None]:
    """Its pid file, systemd's word, its own version."""
    if machine.os != "linux" or driver_state.stage != CUDA or driver_state.code != SYSTEM_NOT_READY:
        return Known(None, "not asked: cuInit does not say 802")
    state, version = "", ""
    if isinstance(host.which("systemctl"), Known):
        answer = host.run("systemctl", "is-active", SERVICE)
        words = answer.value.out.split() if isinstance(answer, Known) else []
        state = words[0] if words and words[0] in {"active", "inactive", "failed", "activating", "unknown"} else ""
    if isinstance(host.which(PROGRAM), Known):
        answer = host.run(PROGRAM, "--version")
        version = parse_version(answer.value.out) if isinstance(answer, Known) else ""
    running = True if host.exists(PID_FILE) or state == "active" else False if state else None
    return Known(FabricManager(state, version, running), f"systemctl; {PID_FILE}")


def parse_version(text: str) -> str:
    """``580.105.08`` of ``Fabric Manager version is : 580.105.08``."""
    found = re.search(r"version is\s*:\s*(\d+(?:\.\d+)+)", text, re.IGNORECASE)
    return found[1] if found else ""
