"""What is foretold of real extension modules against real imports of them.

tools/compare_abi.py does the same for many more wheels; docs/measurements.md has its tables.
"""

import sys
from pathlib import Path

import pytest

from tests.lab.cache import built
from tests.lab.environments import Environment
from tests.lab.real_imports import NUMPY, Case, install, needs_torch, numpy_row, symbol_rows, unpack

pytestmark = [
    pytest.mark.online,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="loads Linux libraries"),
]


def put_numpy(folder: Path) -> None:
    install(folder, NUMPY)


@pytest.mark.parametrize(
    ("case", "told"),
    [(Case("bottleneck==1.3.8", "bottleneck.reduce"), "1"), (Case("bottleneck==1.5.0", "bottleneck.reduce"), "both")],
    ids=["made with NumPy 1", "made with NumPy 2"],
)
def test_an_extension_of_numpy(tmp_path: Path, case: Case, told: str) -> None:
    numpy = built("numpy", {"numpy": NUMPY}, put_numpy)
    row = numpy_row(case, install(tmp_path / "site", case.requirement), numpy)
    assert row[2].partition(",")[0] == told
    assert row[-1] == "yes", row


def test_an_extension_of_another_torch(cpu_environment: Environment, tmp_path: Path) -> None:
    libraries = [path for path in unpack("torchtext==0.17.2", tmp_path) if needs_torch(path)]
    rows = list(symbol_rows("torchtext==0.17.2", libraries, cpu_environment, ()))
    assert [row[-1] for row in rows] == ["yes", "yes"]
    assert any("exported by 2.2 to 2.3" in row[3] and "undefined symbol: _ZN5torch6detail10class_base" in row[4] for row in rows)


def test_torchs_own_libraries_find_each_other(cpu_environment: Environment) -> None:
    libraries = [path for path in cpu_environment.find("torch/lib/libtorch_*.so") if needs_torch(path)]
    rows = list(symbol_rows("torch", libraries, cpu_environment, ()))
    assert len(rows) > 1
    assert [row[-1] for row in rows] == ["yes"] * len(rows)
    assert all(row[4] == "loaded" for row in rows)
