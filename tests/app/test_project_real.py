"""Projects that the real managers wrote and locked, read as `plan` reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.fixtures import have
from tests.managers import index, tools

from torchsmith.app import project
from torchsmith.host.local import LocalHost
from torchsmith.model.action import InstallTorch
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.known import Known

pytestmark = [pytest.mark.online, pytest.mark.slow]

WRITTEN = {"uv-project": ("uv-project", ""), "poetry-1.8": ("poetry", "1"), "poetry-2": ("poetry", "2"), "pdm": ("pdm", "")}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("index")
    index.write(root)
    with index.served(root) as url:
        yield url


@pytest.mark.parametrize("name", WRITTEN)
def test_a_project_bound_to_an_index_by_its_manager(name: str, packages: str, tmp_path: Path) -> None:
    bench: tools.Bench = have(tools.project, name, tmp_path / "bench", packages)
    bench.do(InstallTorch("2.8.0", "cu128", f"{packages}/cu128"))
    found = project.read(LocalHost(), str(bench.folder))
    assert isinstance(found, Known)
    read = found.value
    assert isinstance(read, PastedProject)
    assert (read.manager, read.manager_version) == WRITTEN[name]
    assert read.remarks == ()
    assert read.requires_python == ">=3.11,<4"
    assert [dependency.file for dependency in read.declared("torch")][:1] == ["pyproject.toml"]
    (bound,) = {binding.source for binding in read.bindings if binding.package == "torch"}
    source = read.source(bound)
    assert source is not None
    assert source.url.rstrip("/").endswith("/cu128")
    (torch,) = [entry for entry in read.locked if entry.package == "torch"]
    assert torch.version == "2.8.0+cu128"
    assert {"filelock", "nvidia-cublas"} <= set(torch.needs)
    assert torch.source.rstrip("/").rpartition("/")[2] in {bench.locked()["torch"][1], ""}
