"""Open kernel modules under GPUs older than Turing, and near misses."""

from __future__ import annotations

import pytest

from torchsmith.model.facts.driver import DEVICES, WORKS, DriverState
from torchsmith.model.facts.gpu import Device, Gpus, KernelModule
from torchsmith.rules.driver import open_module_needs_turing

V100, T4 = Device(0, "Tesla V100", 70), Device(1, "Tesla T4", 75)


@pytest.mark.parametrize(
    ("devices", "flavour", "stage", "found"),
    [
        ((V100,), "open", DEVICES, True),
        ((V100,), "proprietary", DEVICES, False),
        ((V100,), "open", WORKS, False),
        ((V100, T4), "open", DEVICES, False),
        ((T4,), "open", DEVICES, False),
        ((Device(0),), "open", DEVICES, False),
    ],
)
def test_open_module(devices: tuple[Device, ...], flavour: str, stage: str, found: bool) -> None:
    module = KernelModule("570.86.15", flavour, loaded=True)
    findings = list(open_module_needs_turing.check(DriverState(stage), Gpus(devices), module))
    assert bool(findings) is found
