"""How densely each scenario is disturbed by each fault in a nightly run: every so many points."""

from __future__ import annotations

from typing import Final

from tools.faults import real
from tools.faults.injector import FAULTS
from tools.faults.scenarios import SCENARIOS

KILLS: Final = ("SIGKILL of all", "SIGKILL of torchsmith", "SIGKILL")
DENSE: Final = {"venv": 1, "project": 2, "machine settings": 1, "undo of venv": 1, "undo of project": 1, "resume of project": 1}
"""Scenarios in which every call is met by the first of the kills."""
OTHERS: Final = 9
POWER_CUTS: Final = {"venv": 3, "project": 3, "machine settings": 1, "undo of venv": 1, "undo of project": 1}


def every(scenario: str, fault: str) -> int:
    """Every so many points; 0 for none."""
    if fault == "power cut":
        return POWER_CUTS.get(scenario, 0)
    if fault == KILLS[0]:
        return DENSE.get(scenario, 5)
    short = scenario.startswith(("undo", "resume", "machine"))
    if FAULTS[fault].classes & ~3:  # writes, syncs, opens: few
        return 1 if short else 3
    return 2 if short else OTHERS if scenario in DENSE else 2 * OTHERS


REAL: Final = {
    "pip": {"SIGKILL of all": 14, "SIGKILL": 10, "SIGINT": 6, "ENOSPC from there on": 8},
    "uv": {
        "SIGKILL of all": 60,
        "SIGKILL": 30,
        "SIGKILL of torchsmith": 20,
        "SIGINT": 15,
        "SIGTERM": 15,
        "ENOSPC from there on": 20,
        "EIO": 20,
    },
    "uv project": {
        "SIGKILL of all": 40,
        "SIGKILL": 20,
        "SIGKILL of torchsmith": 15,
        "SIGINT": 10,
        "ENOSPC from there on": 15,
        "EIO": 10,
    },
    "Poetry project": {"SIGKILL of all": 6, "SIGKILL": 2, "ENOSPC from there on": 2},
}
"""Points, spread over all calls, where real installers and the real verification take seconds."""

PLANS: Final = {name: {fault: every(name, fault) for fault in (*FAULTS, "power cut")} for name in SCENARIOS} | {
    f"{name}, real": {fault: -REAL[name].get(fault, 0) for fault in (*FAULTS, "power cut")} for name in real.NAMES
}
"""Every so many points; a negative number is how many points there are."""
