"""What is no fault: said of pasted text, never of a machine that was asked."""

from __future__ import annotations

from typing import Any

import pytest

from torchsmith.model.facts.gpu import Driver, Libcuda, NvidiaLibraries, Nvml
from torchsmith.model.facts.paste import ErrorLines
from torchsmith.model.facts.python import Environment, Package, Packages
from torchsmith.model.facts.torch import DeviceCoverage, GpuCoverage, Torch
from torchsmith.model.known import Unknown
from torchsmith.rules.not_environment import no_fault

UNTOLD = Unknown("not told")
TORCH = Torch("", "2.6.0+cu124", "cuda", "cu124", "12.4")
NVML = Nvml(loaded=True, status=0, driver="550.120")
AVAILABLE = NvidiaLibraries(NVML, Libcuda(loaded=True, status=0))
UNSAID = NvidiaLibraries(NVML, Libcuda(loaded=True, unfinished="not in the pasted text"))
UNAVAILABLE = NvidiaLibraries(NVML, Libcuda(loaded=True, unfinished="torch says that CUDA is not available"))
COVERED = GpuCoverage((DeviceCoverage(0, "RTX 4090", 89, "native", 1, 1, 0),))
UNCOVERED = GpuCoverage((DeviceCoverage(0, "RTX 5090", 120, "no", 1, 0, 0, "newer"),))
PASTED = Environment("venv", "pip", "pasted text")
FACTS = {
    "environment": PASTED,
    "torch": TORCH,
    "packages": UNTOLD,
    "driver": Driver("550.120", cuda="12.4", works=True),
    "nvidia_libraries": AVAILABLE,
    "gpu_coverage": COVERED,
    "error_lines": None,
}
TWICE = Packages((Package("torch", "0.4.1", "", ""),), (), (Package("pytorch", "0.4.1", "", "", "conda"),))


def confidence(**changed: Any) -> float:
    findings = list(no_fault.check(**{**FACTS, **changed}))
    return findings[0].confidence if findings else 0.0


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 0.8),
        ({"environment": UNTOLD}, 0.8),
        ({"nvidia_libraries": UNSAID}, 0.6),
        ({"driver": Driver("535.54.03", cuda="12.2", works=True), "nvidia_libraries": UNSAID}, 0.6),
        ({"error_lines": ErrorLines(("RuntimeError: x",))}, no_fault.DOUBTED),
        ({"torch": UNTOLD, "packages": TWICE, "nvidia_libraries": UNTOLD, "gpu_coverage": UNTOLD}, 0.5),
        ({"driver": UNTOLD, "nvidia_libraries": UNTOLD, "gpu_coverage": UNTOLD}, no_fault.DOUBTED),
    ],
)
def test_a_text_in_which_all_fits(changed: dict[str, Any], expected: float) -> None:
    assert confidence(**changed) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"environment": Environment("venv", "pip", "VIRTUAL_ENV")},
        {"environment": UNTOLD, "torch": Torch("/env/torch", "2.6.0+cu124", "cuda", "cu124", "12.4")},
        {"environment": UNTOLD, "torch": UNTOLD, "nvidia_libraries": UNTOLD},
        {"torch": Torch("", "2.6.0+cpu", "cpu", "cpu")},
        {"gpu_coverage": UNCOVERED},
        {"nvidia_libraries": UNAVAILABLE, "error_lines": ErrorLines(("Is CUDA available: False",))},
        {"driver": Driver("470.82", cuda="11.4", works=True), "nvidia_libraries": UNSAID, "error_lines": ErrorLines(("x",))},
    ],
)
def test_it_is_silent_else(changed: dict[str, Any]) -> None:
    assert confidence(**changed) == 0.0
