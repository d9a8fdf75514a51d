"""Constraints on approaches, and builds that nobody publishes."""

from typing import Any

import pytest

from torchsmith.choose import catalogue, reject, situation, source_builds
from torchsmith.choose.constraints import approaches as constraints
from torchsmith.choose.constraints import toolkit
from torchsmith.knowledge import approaches
from torchsmith.model.choice import Reason, Risk, Wishes
from torchsmith.model.facts.container import Container, Jetson
from torchsmith.model.facts.gpu import AMD, Device, Driver, Gpus, PciDevice, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Variables
from torchsmith.model.facts.toolkit import HostCompiler, Toolkit, Toolkits
from torchsmith.model.known import Known

LINUX = Machine("linux", "x86_64", libc="glibc", libc_version="2.36")
WINDOWS = Machine("windows", "x86_64")
MACOS = Machine("macos", "aarch64")
ADA = Gpus((Device(0, "GeForce RTX 4070", 89),))
BLACKWELL = Gpus((Device(0, "GeForce RTX 5070", 120),))
PASCAL = Gpus((Device(0, "GeForce GTX 1080 Ti", 61),))
NAMES = tuple(approach.name for approach in approaches.every())
NONE_FOUND = Toolkits(())


def ask(machine: Machine = LINUX, wishes: Wishes | None = None, **facts: Any) -> situation.Situation:
    given: dict[str, Any] = {
        "machine": machine,
        "gpus": ADA,
        "driver": Driver("570.86", None, "12.8"),
        "interpreter": Interpreter("python", "3.12.1", "/e", "/usr", 64, "x86_64", "linux", "venv", (), ()),
        "environment": Environment("venv", "pip"),
    }
    return situation.of({name: Known(value, "test") for name, value in (given | facts).items()}, wishes or Wishes())


def answers(asked: situation.Situation, name: str) -> dict[str, Reason | Risk]:
    approach = next(approach for approach in approaches.every() if approach.name == name)
    said = {check.name: check.judge(approach, asked) for check in constraints.EVERY}
    return {constraint: answer for constraint, answer in said.items() if answer is not None}


def rejected(asked: situation.Situation) -> dict[str, str]:
    """The first constraint that rejects each approach."""
    found = {}
    for name in NAMES:
        reasons = [constraint for constraint, answer in answers(asked, name).items() if isinstance(answer, Reason)]
        if reasons:
            found[name] = reasons[0]
    return found


ALWAYS = {"dll-copy": "copied-libraries", "env-vars": "toolkit-not-needed", "user-path": "toolkit-not-needed"}
POETRY = dict.fromkeys(("pip", "uv", "uv-project", "pdm", "pipenv", "pip-tools"), "manager")
ONLINE = {"docker", "nix", "flox", "source", "poetry", "pdm", "pipenv"}
NO_CUDA = {"docker": "runs-here", "nix": "runs-here", "flox": "runs-here", "source": "runs-here"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ask(), ALWAYS),
        (ask(wishes=Wishes("extension-build")), {"dll-copy": "copied-libraries"}),
        (ask(wishes=Wishes("extension-build"), gpus=Gpus(())), ALWAYS),
        (ask(WINDOWS), ALWAYS | {"nix": "runs-here", "flox": "runs-here"}),
        (ask(MACOS, gpus=Gpus(())), ALWAYS | NO_CUDA),
        (ask(Machine("linux", "x86_64", wsl=1)), ALWAYS | {"docker": "runs-here"}),
        (ask(Machine("linux", "x86_64", libc="musl")), ALWAYS | dict.fromkeys(("conda", "mamba", "pixi"), "runs-here")),
        (ask(container=Container("docker", ("/.dockerenv",))), ALWAYS | {"docker": "runs-here"}),
        (ask(wishes=Wishes(offline=True)), ALWAYS | dict.fromkeys(ONLINE, "network")),
        (
            ask(wishes=Wishes(offline=True), environment=Environment("poetry", "poetry")),
            ALWAYS
            | dict.fromkeys(ONLINE - {"poetry"}, "network")
            | dict.fromkeys(("pip", "uv", "uv-project", "pip-tools"), "manager"),
        ),
        (
            ask(wishes=Wishes(admin=False), toolkits=NONE_FOUND),
            ALWAYS | dict.fromkeys(("docker", "nix", "flox"), "administrator"),
        ),
        (
            ask(WINDOWS, Wishes(admin=False), toolkits=NONE_FOUND),
            ALWAYS | {"docker": "administrator", "nix": "runs-here", "flox": "runs-here", "source": "administrator"},
        ),
        (
            ask(WINDOWS, Wishes(admin=False), toolkits=Toolkits((Toolkit("C:/cuda", "12.8", "C:/cuda/bin/nvcc"),))),
            ALWAYS | {"docker": "administrator", "nix": "runs-here", "flox": "runs-here"},
        ),
        (ask(environment=Environment("poetry", "poetry")), ALWAYS | POETRY),
        (ask(pasted_project=PastedProject(manager="poetry")), ALWAYS | POETRY),
        (
            ask(environment=Environment("uv", "uv-project")),
            ALWAYS | dict.fromkeys(("pip", "uv", "poetry", "pdm", "pipenv", "pip-tools"), "manager"),
        ),
        (
            ask(environment=Environment("pipx", "pipx")),
            ALWAYS | dict.fromkeys(("uv", "uv-project", "poetry", "pdm", "pipenv", "pip-tools"), "manager"),
        ),
    ],
)
def test_what_is_rejected(asked: situation.Situation, expected: dict[str, str]) -> None:
    assert rejected(asked) == expected


@pytest.mark.parametrize("machine", [LINUX, WINDOWS, MACOS])
@pytest.mark.parametrize("goal", ["minimal-change", "extension-build", "reproducible"])
def test_copying_libraries_is_always_rejected(machine: Machine, goal: str) -> None:
    answer = answers(ask(machine, Wishes(goal)), "dll-copy")["copied-libraries"]
    assert isinstance(answer, Reason)
    assert answer.unless == ""


def test_what_nobody_could_tell_rejects_nothing() -> None:
    nothing = situation.of({"machine": Known(LINUX, "test")}, Wishes(admin=False))
    assert set(rejected(nothing)) == {*ALWAYS, "docker", "nix", "flox"}, "by wish alone"


@pytest.mark.parametrize(
    ("asked", "name", "constraint", "said"),
    [
        (ask(), "poetry", "tool", "pipx install poetry"),
        (ask(), "poetry", "begins-a-project", "is begun"),
        (ask(environment=Environment("conda", "pip")), "pip", "manager", "conda does not see"),
        (ask(environment=Environment("conda", "conda")), "pip", "manager", "conda's own pytorch"),
        (ask(environment=Environment("pixi", "pixi")), "uv", "manager", "pixi.lock"),
        (ask(WINDOWS), "docker", "runs-here", "WSL 2"),
        (ask(Machine("linux", "aarch64"), jetson=Jetson("Orin")), "docker", "runs-here", "l4t"),
        (ask(wishes=Wishes("extension-build"), toolkits=NONE_FOUND), "pip", "compiler", "nvcc"),
        (ask(), "source", "compiler", "hours"),
        (ask(), "flox", "catalog", "not known"),
        (ask(), "docker", "tool", "NVIDIA's Container Toolkit"),
    ],
)
def test_risks(asked: situation.Situation, name: str, constraint: str, said: str) -> None:
    answer = answers(asked, name)[constraint]
    assert isinstance(answer, Risk)
    assert said in answer.text


@pytest.mark.parametrize(
    ("files", "says"), [((), "uv.lock"), (("pyproject.toml", "uv.lock"), "uv.lock"), (("pyproject.toml",), "pyproject.toml")]
)
def test_a_lock_that_is_not_there_is_not_spoken_of(files: tuple[str, ...], says: str) -> None:
    asked = ask(pasted_project=PastedProject(manager="uv-project", files=files))
    answer = answers(asked, "pip")["manager"]
    assert isinstance(answer, Reason)
    assert answer.because.endswith(f"the next `uv sync` puts back what {says} says")
    assert ("uv.lock" in str(answers(asked, "poetry")["manager"])) is (says == "uv.lock")


RADEON = PciDevices((PciDevice("", AMD, 0x744C, name="Radeon RX 7900 XTX"),))


def test_docker_for_a_gpu_of_another_maker() -> None:
    """NVIDIA's toolkit is nothing to AMD's GPUs, and Docker Desktop passes NVIDIA's alone."""
    linux = answers(ask(gpus=Gpus(()), pci_devices=RADEON), "docker")
    assert "NVIDIA" not in str(linux)
    assert not any(isinstance(answer, Reason) for answer in linux.values())
    refused = answers(ask(WINDOWS, gpus=Gpus(()), pci_devices=RADEON), "docker")["runs-here"]
    assert isinstance(refused, Reason)
    assert "not the Radeon RX 7900 XTX" in refused.because
    without = answers(ask(wishes=Wishes(admin=False), gpus=Gpus(()), pci_devices=RADEON), "docker")["administrator"]
    assert isinstance(without, Reason)
    assert "NVIDIA" not in without.because


def test_the_manager_of_the_environment_needs_no_other_tool() -> None:
    for manager in ("uv", "uv-project", "poetry", "pdm", "conda", "pixi"):
        assert not {"tool", "begins-a-project"} & set(answers(ask(environment=Environment("venv", manager)), manager))


@pytest.mark.parametrize(("login", "shell"), [("/usr/bin/fish", "fish"), ("/bin/zsh", "bash"), ("", "bash")])
def test_the_shell_is_the_users_own(login: str, shell: str) -> None:
    assert ask(variables=Variables({"SHELL": login})).shell == shell
    assert ask(WINDOWS, variables=Variables({"SHELL": login})).shell == "powershell"


def built(asked: situation.Situation) -> set[tuple[str, str]]:
    """Releases and builds from source that nothing speaks against."""
    judged = reject.judge(
        source_builds.candidates(asked.machine.platform), (), (toolkit.toolkit, toolkit.host_compiler), (), asked
    )
    assert isinstance(asked.gpus, Gpus)
    sms = {device.sm for device in asked.gpus}
    return {
        (row.candidate.torch, row.candidate.build)
        for row in judged.rows
        if row.candidate.channel == "source" and not row.mask and sms <= set(row.candidate.sass)
    }


def test_old_gpus_get_the_newest_release_from_source_alone() -> None:
    found = built(ask(gpus=PASCAL))
    assert ("2.15.0", "cu129") in found
    assert not {build for torch, build in found if build.startswith("cu13")}
    assert ("2.2.0", "cu128") not in found, "2.2 was published with CUDA 12.1 at most"


def test_a_toolkit_that_does_not_know_the_gpu_is_no_help() -> None:
    old = Toolkits((Toolkit("/usr/local/cuda-12.3", "12.3.107", "/usr/local/cuda-12.3/bin/nvcc"),))
    assert built(ask(gpus=BLACKWELL, toolkits=old)) == set()
    assert built(ask(gpus=ADA, toolkits=old))
    row = next(c for c in source_builds.candidates("linux-x86_64") if c.cuda == "12.9")
    answer = toolkit.toolkit.judge(row, ask(gpus=BLACKWELL, toolkits=old))
    assert (answer.unless, "12.3" in answer.because, "RTX 5070 (12.0)" in answer.because) == ("toolkit >= 12.8", True, True)
    new = Toolkits((Toolkit("/opt/cuda", "13.0", "/opt/cuda/bin/nvcc"),))
    assert toolkit.toolkit.judge(row, ask(gpus=PASCAL, toolkits=new)).unless == "toolkit <= 12.9"


@pytest.mark.parametrize(
    ("name", "version", "fits"),
    [
        ("gcc", "14", True),
        ("gcc", "15", False),
        ("clang", "19", True),
        ("clang", "20", False),
        ("msvc", "14.44", True),
        ("msvc", "14.50", False),
    ],
)
def test_the_host_compiler_is_not_too_new(name: str, version: str, fits: bool) -> None:
    row = next(c for c in source_builds.candidates("linux-x86_64") if c.channel == "source" and c.cuda == "12.9")
    answer = toolkit.host_compiler.judge(row, ask(host_compiler=HostCompiler(name, f"/usr/bin/{name}", version, "PATH")))
    assert (answer is None) is fits


@pytest.mark.parametrize("platform", ["linux-x86_64", "linux-aarch64", "windows", "macos-arm64"])
def test_what_is_built_has_code_and_a_toolkit_that_is_listed(platform: str) -> None:
    found = source_builds.candidates(platform)
    assert bool(found) is (platform != "macos-arm64")
    assert all(candidate.sass and candidate.cuda and candidate.index is None for candidate in found)
    assert set(found) <= set(catalogue.candidates(platform))
