"""A constraint and a criterion look at the fields that they declare, and at nothing else of the candidate: they are memoised."""

from __future__ import annotations

from typing import Any

import pytest
from tests.choose.situations import candidates, made

from torchsmith.choose import beside, criteria
from torchsmith.choose.constraint import Constraint
from torchsmith.choose.constraints import ON_CANDIDATES
from torchsmith.choose.criteria import Criterion
from torchsmith.choose.situation import Situation
from torchsmith.model.choice import Approach, Candidate, Requirement, Wishes
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.install import Index, Indexes, LocalWheel, LocalWheels
from torchsmith.model.facts.project import Dependency, Locked, PastedProject
from torchsmith.model.facts.system import Cpu, Room
from torchsmith.model.facts.toolkit import HostCompiler, Toolkit, Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Unknown

MADE_OF = {"version": {"torch", "build"}, "tag": {"python"}}
"""What the properties of a candidate are made of."""


class Watched:
    """A candidate or an approach that notes which of its fields are read."""

    def __init__(self, what: Candidate | Approach) -> None:
        self.what, self.read = what, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read |= MADE_OF.get(name, {name})
        return getattr(self.what, name)


def _need(name: str, specifier: str) -> Requirement:
    return Requirement(name, specifier, "--need")


def _keep(name: str, specifier: str) -> Requirement:
    return Requirement(name, specifier, "--keep")


def _depends(name: str, specifier: str, **more: str) -> Dependency:
    return Dependency(name, specifier, where="project", file="pyproject.toml", **more)


WHEEL = LocalWheel("torch", "2.9.1+cu128", ("cp312", "cp312", "manylinux_2_28_x86_64"), "/wheels")
PROJECT = PastedProject(
    dependencies=(
        _depends("python", ">=3.10"),
        _depends("torch", ">=2.6"),
        _depends("torchvision", "==0.24.0"),
        _depends("numpy", ">=2", marker="python_version < '3.13'"),
    ),
    locked=(Locked("torch", "2.9.0+cu128", "https://download.pytorch.org/whl/cu128", "uv", file="uv.lock"),),
)
SITUATIONS = {
    "ordinary": made("RTX 4090"),
    "by PTX, an old driver": made("RTX 5070 Ti", driver="550.54"),
    "several GPUs": made("GTX 1080 Ti", "H100 PCIe", driver="525.60.13"),
    "an old system": made("Tesla V100", glibc="2.17", python="3.8"),
    "Windows": made("RTX 3060", os="windows", driver="537.10"),
    "Windows, NumPy 1 ABI": made("RTX 3060", os="windows", driver="537.10", wishes=Wishes(keeps=(_keep("numpy", ">=2"),))),
    "WSL 1": made("RTX 3060", os="wsl1"),
    "Arm": made("unlisted", arch="aarch64"),
    "a Jetson": made("sm_87", arch="aarch64", jetson=Jetson("Jetson AGX Orin", "36.4.3")),
    "nothing could be told": made("RTX 4090", gpus=Unknown("?"), driver=Unknown("?"), interpreter=Unknown("?")),
    "an old processor": made("RTX 4090", cpu=Cpu("cpu", 1, avx=False, avx2=False)),
    "packages": made("RTX 4090", wishes=Wishes(needs=(_need("whisperx", "==3.4.2"), _need("flash-attn", "")))),
    "wishes": made(
        "RTX 4090",
        wishes=Wishes(
            needs=(_need("cuda", "==12.6"), _need("nvidia-cudnn-cu12", "")), keeps=(_keep("cudnn", "==9"),), torch=">=2.6"
        ),
    ),
    "installed": made(
        "RTX 4090",
        torch=Torch("/e/torch", "2.6.0+cu124", "cuda", "cu124", "12.4"),
        room=Room("/e", 10**9, "/t", 10**9),
    ),
    "offline": made("RTX 4090", wishes=Wishes(offline=True), local_wheels=LocalWheels((WHEEL,))),
    "a mirror": made("RTX 4090", indexes=Indexes((Index("https://mirror.example.com/simple", "index", "pip.conf"),))),
    "a project": made("RTX 4090", pasted_project=PROJECT),
    "a toolkit": made(
        "RTX 5070 Ti",
        toolkits=Toolkits((Toolkit("/usr/local/cuda", "12.3", nvcc="/usr/local/cuda/bin/nvcc"),)),
        host_compiler=HostCompiler("gcc", "/usr/bin/gcc", "15.1", "PATH"),
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_constraint_reads_what_it_declares(name: str) -> None:
    asked = SITUATIONS[name]
    for check in ON_CANDIDATES:
        if check.when is None or check.when(asked):
            _only_declared(check, asked)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_criterion_reads_what_it_declares(name: str) -> None:
    for criterion in criteria.OF_CANDIDATES:
        _only_declared(criterion, SITUATIONS[name])


def _only_declared(asking: Constraint | Criterion, asked: Situation) -> None:
    for candidate in candidates(asked.machine.platform)[::11]:
        beside._held.clear()  # noqa: SLF001  what it remembers of another build would hide what it reads
        watched = Watched(candidate)
        asking.judge(watched, asked)
        assert watched.read <= set(asking.fields), (asking.name, candidate.version, watched.read - set(asking.fields))


def test_what_is_watched_is_seen() -> None:
    watched = Watched(candidates("linux-x86_64")[0])
    assert watched.version
    assert watched.tag
    assert watched.read == {"torch", "build", "python"}
