"""What is foretold of real extension modules against real imports of them.

tools/compare_abi.py does the same for many more wheels; docs/measurements.md has its tables.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.lab.cache import built
from tests.lab.environments import Environment
from tests.lab.real_imports import NUMPY, Case, install, needs_torch, numpy_row, symbol_rows, unpack
from torchsmith.binaries import abi, elf

PYTHON_H = Path(sysconfig.get_path("include")) / "Python.h"

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


SOURCE = """
#include <Python.h>
#include <numpy/arrayobject.h>
static struct PyModuleDef made = {PyModuleDef_HEAD_INIT, "made", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_made(void) { import_array(); return PyModule_Create(&made); }
"""


@pytest.mark.skipif(not (shutil.which("gcc") and PYTHON_H.exists()), reason="compiles an extension module")
@pytest.mark.parametrize(("target", "told", "floor"), [("1_25", "both", "1.25"), ("2_0", "2", "2.0"), ("2_3", "2", "2.3")])
def test_the_oldest_numpy_that_an_extension_was_built_for(tmp_path: Path, target: str, told: str, floor: str) -> None:
    numpy = built("numpy", {"numpy": NUMPY}, put_numpy)
    path = tmp_path / f"made{sysconfig.get_config_var('EXT_SUFFIX')}"
    headers = (f"-I{numpy}/numpy/_core/include", f"-I{PYTHON_H.parent}")
    flags = ("-shared", "-fPIC", f"-DNPY_TARGET_VERSION=NPY_{target}_API_VERSION")
    subprocess.run(["gcc", "-x", "c", "-", *flags, *headers, "-o", path], input=SOURCE, text=True, check=True)
    with path.open("rb") as file:
        found = abi.read(file, path.stat().st_size, elf.read(file, path.stat().st_size), str(path))
    assert (found.abi.numpy, found.numpy_floor) == (told, floor)


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
