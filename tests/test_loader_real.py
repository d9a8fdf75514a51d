"""The simulated loader against ld.so: every object of real environments, opened in a process of its own.

tools/compare_loader.py does the same for more environments and more ways to set a trap; docs/measurements.md has its table.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.lab.environments import Environment, VariantFactory
from tests.lab.foretold import compare, objects_of

pytestmark = [
    pytest.mark.online,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/etc/ld.so.cache").exists(), reason="needs the GNU loader"),
]


@pytest.mark.parametrize("first", ["", "torch"])
def test_every_object_of_a_cpu_torch(cpu_environment: Environment, tmp_path: Path, first: str) -> None:
    found = compare(cpu_environment.prefix, objects_of(cpu_environment.site), tmp_path, first)
    assert found.differences == []
    assert found.objects > 10


def test_a_trap_in_ld_library_path(cpu_environment: Environment, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    shutil.copy(next(iter(cpu_environment.find("torch/lib/libgomp*.so*"))), trap / "libgomp.so.1")
    shutil.copy(next(iter(cpu_environment.find("torch/lib/libc10.so"))), trap)
    environ = {"LD_LIBRARY_PATH": f"{trap}:"}
    found = compare(cpu_environment.prefix, objects_of(cpu_environment.site), tmp_path, "", environ)
    assert found.differences == []


@pytest.mark.parametrize("first", ["", "torch"])
def test_every_object_of_a_cuda_torch(cuda_environment: Environment, tmp_path: Path, first: str) -> None:
    found = compare(cuda_environment.prefix, objects_of(cuda_environment.site), tmp_path, first)
    assert found.differences == []
    assert found.objects > 100


def test_a_cuda_torch_without_cudnn_and_nccl(cuda_environment: Environment, variant: VariantFactory, tmp_path: Path) -> None:
    damaged = variant(cuda_environment)
    damaged.remove("nvidia/cudnn")
    damaged.remove("nvidia/nccl")
    found = compare(damaged.prefix, objects_of(damaged.site), tmp_path)
    assert found.differences == []
    found = compare(damaged.prefix, objects_of(damaged.site), tmp_path, "torch")
    assert "cannot open shared object file" in found.import_failed
    assert found.differences == []
