"""Golden steps: an option at a place, in the words of every approach. What can be run is run by test_steps_real.py."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from torchsmith.knowledge import approaches as table
from torchsmith.managers import approaches
from torchsmith.model.action import Install
from torchsmith.model.choice import Candidate, Option, Pin, Place, Steps
from torchsmith.model.facts.project import Binding, PastedProject, Source
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.record import replace
from torchsmith.report.shell import quoted

HERE = Path(__file__).parent / "expected"
URL = "https://download.pytorch.org/whl/cu128"
FOUND = ("2.7.1+cu118", Packages((Package("torch", "2.7.1+cu118", "/e/lib"), Package("torchvision", "0.22.1+cu118", "/e/lib"))))


def option(name: str, *beside: Pin, index: str | None = URL, python: str = "3.12", build: str = "cu128") -> Option:
    approach = next(approach for approach in table.every() if approach.name == name)
    channel = approach.channels[0]
    url = index if channel == "wheel" else None
    own = f"https://download.pytorch.org/whl/{build}" if channel == "wheel" else None
    cuda = {"cu128": "12.8", "cu126": "12.6.3"}.get(build)
    codes = (75, 80, 86, 90, 100, 120) if cuda else ()
    kind = "cuda" if cuda else build.rstrip("0123456789.")
    candidate = Candidate(channel, "2.8.0", build, kind, "linux-x86_64", python, cuda, None, codes, (), own)
    pins = (Pin("torch", "2.8.0", url), Pin("torchvision", "0.23.0", url), *beside)
    return Option(1, approach, candidate, url, pins, (), 0.0)


def place(system: str = "linux", manager: str = "pip", **changes: Any) -> Place:
    windows = system == "windows"
    executable = r"C:\e\Scripts\python.exe" if windows else "/e/bin/python"
    interpreter = Interpreter(executable, "3.12.4", r"C:\e" if windows else "/e", "/usr", 64, "", "", "venv", (), ())
    kind = manager if manager in {"conda", "pixi", "pipx"} else "venv"
    made = Place(system, "powershell" if windows else "bash", Environment(kind, manager), interpreter, None, "580.65.06")
    return replace(replace(made, torch=FOUND[0], packages=FOUND[1], sms=(89,)), **changes)


FRESH: dict[str, Any] = {"fresh": True, "torch": "", "packages": Packages(())}
POETRY = PastedProject(("project", "tool.poetry"), manager="poetry")
SPLIT = PastedProject(
    ("project", "tool.uv"),
    (Source("a", "https://a", "uv"),),
    (Binding("torch", "a", "uv", "sys_platform == 'darwin'"), Binding("torch", "b", "uv", "sys_platform == 'linux'")),
)
SPLIT_POETRY = PastedProject(
    ("project", "tool.poetry"),
    (Source("a", "https://a", "poetry"),),
    (Binding("torch", "a", "poetry", "sys_platform == 'darwin'"),),
    manager="poetry",
)
ACCELERATE = Pin("accelerate", "1.10.1")
FLASH = Pin("flash-attn", "2.8.3")

CASES: dict[str, tuple[Option, Place]] = {
    "pip-linux": (option("pip", ACCELERATE), place()),
    "pip-windows": (option("pip"), place("windows")),
    "pip-windows-new": (option("pip", python="3.13"), place("windows")),
    "pip-linux-new": (option("pip"), place(**FRESH)),
    "pip-default-index": (option("pip", ACCELERATE, index=None), place()),
    "pip-macos": (option("pip", build="cpu", index="https://download.pytorch.org/whl/cpu"), place("macos")),
    "pip-pipx": (option("pip"), place(manager="pipx")),
    "pip-in-uvs-environment": (option("pip"), place(manager="uv")),
    "uv-linux": (option("uv", ACCELERATE), place(manager="uv")),
    "uv-new-python": (option("uv", python="3.14t"), place(manager="uv")),
    "uv-windows-elsewhere": (option("uv"), place("windows", "uv", elsewhere=True)),
    "uv-project": (option("uv-project", ACCELERATE), place(manager="uv-project")),
    "uv-project-begun": (option("uv-project"), place(**FRESH)),
    "uv-project-by-marker": (option("uv-project"), place(manager="uv-project", project=SPLIT)),
    "uv-project-windows-default": (option("uv-project", index=None), place("windows", "uv-project")),
    "poetry": (option("poetry", ACCELERATE), place(manager="poetry", project=POETRY)),
    "poetry-other-python": (option("poetry", python="3.13"), place(manager="poetry", project=POETRY)),
    "poetry-by-marker": (option("poetry", ACCELERATE), place("windows", "poetry", project=SPLIT_POETRY)),
    "uv-project-beside-a-variable": (option("uv-project"), place(manager="uv-project", variables=("UV_DEFAULT_INDEX",))),
    "poetry-begun": (option("poetry"), place(**FRESH)),
    "pdm": (option("pdm", ACCELERATE), place(manager="pdm")),
    "pdm-begun": (option("pdm"), place("windows", **FRESH)),
    "pipenv": (option("pipenv", ACCELERATE), place(project=PastedProject(manager="pipenv"))),
    "pipenv-begun": (option("pipenv"), place(**FRESH)),
    "pip-tools": (option("pip-tools", ACCELERATE), place()),
    "conda": (option("conda"), place(manager="conda")),
    "conda-windows-new": (option("conda"), place("windows")),
    "conda-extensions": (option("conda"), place(manager="conda", goal="extension-build")),
    "conda-old-gpu": (option("conda"), place(manager="conda", sms=(61, 120))),
    "pixi-old-gpu": (option("pixi"), place(manager="pixi", sms=(37,))),
    "mamba-without-driver": (option("mamba"), place(driver="")),
    "pixi": (option("pixi"), place(manager="pixi")),
    "pixi-begun-elsewhere": (option("pixi"), place("windows", elsewhere=True, driver="551.61")),
    "docker-training": (option("docker", ACCELERATE), place(goal="training")),
    "docker-windows": (option("docker", index=None), place("windows")),
    "docker-extensions": (option("docker", build="cu126"), place(goal="extension-build")),
    "docker-cpu": (option("docker", build="cpu", index=None), place()),
    "docker-rocm": (option("docker", build="rocm6.4", index="https://download.pytorch.org/whl/rocm6.4"), place()),
    "docker-rocm-wsl": (option("docker", build="rocm6.4", index="https://download.pytorch.org/whl/rocm6.4"), place(wsl=True)),
    "docker-xpu": (option("docker", build="xpu", index="https://download.pytorch.org/whl/xpu"), place()),
    "nix": (option("nix"), place()),
    "flox": (option("flox"), place()),
    "source": (option("source"), place(toolkits=(("12.8.1", "/opt/cuda-12.8"),))),
    "source-windows": (option("source"), place("windows", sms=(86, 89))),
    "env-vars": (option("env-vars"), place(goal="extension-build", toolkits=(("12.8.1", "/opt/cuda-12.8"),))),
    "env-vars-in-a-poetry-project": (option("env-vars"), place(manager="poetry", project=POETRY, goal="extension-build")),
    "env-vars-fish": (option("env-vars"), place(goal="extension-build", shell="fish")),
    "user-path-windows": (option("user-path"), place("windows", goal="extension-build", toolkits=(("12.3", "C:/old"),))),
    "user-path-linux": (option("user-path"), place(goal="extension-build")),
    "pip-extension": (option("pip", ACCELERATE, FLASH), place()),
    "pip-default-index-extension": (option("pip", FLASH, index=None), place()),
    "uv-extension": (option("uv", FLASH), place(manager="uv")),
    "uv-project-extension": (option("uv-project", FLASH), place(manager="uv-project")),
    "poetry-extension": (option("poetry", FLASH), place(manager="poetry", project=POETRY)),
    "pdm-extension": (option("pdm", FLASH), place(manager="pdm")),
    "pipenv-extension": (option("pipenv", FLASH), place(project=PastedProject(manager="pipenv"))),
    "pip-tools-extension": (option("pip-tools", FLASH), place()),
    "docker-extension": (option("docker", FLASH, build="cu126"), place(goal="inference")),
    "env-vars-extension": (option("env-vars", FLASH), place(goal="extension-build")),
    "pip-offline": (option("pip"), place(offline=True, wheels=(("2.8.0+cu126", "/a"), ("2.8.0+cu128", "/wheels")))),
    "pip-offline-unknown": (option("pip", ACCELERATE), place(offline=True)),
    "uv-offline": (option("uv", ACCELERATE), place(manager="uv", offline=True, wheels=(("2.8.0+cu128", "/wheels"),))),
    "uv-offline-cache": (option("uv", python="3.13"), place(manager="uv", offline=True)),
    "uv-project-offline": (option("uv-project"), place(manager="uv-project", offline=True)),
    "pip-tools-offline": (option("pip-tools", ACCELERATE), place(offline=True, wheels=(("2.8.0+cu128", "/wheels"),))),
    "pipx-offline": (option("pip"), place(manager="pipx", offline=True, wheels=(("2.8.0+cu128", "/wheels"),))),
    "conda-offline": (option("conda"), place(manager="conda", offline=True)),
    "poetry-offline": (option("poetry"), place(manager="poetry", offline=True)),
    "cpu": (option("cpu", build="cpu", index="https://download.pytorch.org/whl/cpu"), place()),
    "cpu-in-a-poetry-project": (
        option("cpu", build="cpu", index="https://download.pytorch.org/whl/cpu"),
        place(manager="poetry"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_steps(name: str) -> None:
    """TORCHSMITH_WRITE_EXPECTED=1 writes them anew; read the difference."""
    wanted, there = CASES[name]
    made = shown(approaches.steps(wanted, there), there)
    file = HERE / f"{name}.txt"
    if os.environ.get("TORCHSMITH_WRITE_EXPECTED"):
        HERE.mkdir(exist_ok=True)
        file.write_text(made)
    assert made == file.read_text()


def shown(steps: Steps, there: Place) -> str:
    lines = [quoted(command, there.shell) for command in steps.commands]
    for name, text in steps.files:
        lines += [f"--- {name}", *text.splitlines(), "---"]
    return "\n".join((*lines, *(f"note: {note}" for note in steps.notes))) + "\n"


def test_every_approach_has_steps_but_the_one_that_is_never_right() -> None:
    assert set(approaches.MODULES) | {"cpu", "dll-copy"} == {approach.name for approach in table.every()}
    assert approaches.steps(option("dll-copy"), place()) == Steps()
    assert {wanted.approach.name for wanted, _ in CASES.values()} == set(approaches.MODULES) | {"cpu"}


@pytest.mark.parametrize("name", ["pip", "uv"])
def test_what_is_installed_is_not_installed_again(name: str) -> None:
    same = place(
        torch="2.8.0+cu128", packages=Packages((Package("torch", "2.8.0+cu128", ""), Package("torchvision", "0.23.0", "")))
    )
    assert approaches.steps(option(name), same) == Steps()
    assert approaches.steps(option(name), replace(same, broken=True)).commands
    assert approaches.steps(option(name, ACCELERATE), same).commands
    assert approaches.steps(option(name, python="3.13"), same).commands
    assert approaches.steps(option("poetry"), same).commands, "it is not Poetry's yet"
    own = replace(same, environment=Environment("venv", "poetry"))
    assert approaches.steps(option("poetry"), own) == Steps()


@pytest.mark.parametrize("name", ["pip", "uv", "pip-tools", "env-vars"])
@pytest.mark.parametrize("index", [None, URL])
def test_a_torch_that_is_right_stays_where_another_package_has_to_change(name: str, index: str | None) -> None:
    """Two gigabytes for nothing, and a moment without torch, would be no minimal change."""
    packages = (Package("torch", "2.8.0+cu128", ""), Package("torchvision", "0.23.0", ""), Package("numpy", "2.1.0", ""))
    same = place(torch="2.8.0+cu128", packages=Packages(packages), goal="extension-build")
    steps = approaches.steps(option(name, Pin("numpy", "1.26.4"), index=index), same)
    assert not {"uninstall", "--reinstall-package"} & {word for command in steps.commands for word in command}
    if name == "pip-tools":
        return
    installs = [command for command in steps.commands if "install" in command]
    assert len(installs) == 1, installs
    assert "numpy==1.26.4" in installs[0]
    assert URL not in installs[0]
    assert steps.actions[0] == Install(("numpy==1.26.4",))


def test_a_companion_of_another_build_is_put_right_alone() -> None:
    """The package index serves it without a label, so an installer would find it there already."""
    packages = (Package("torch", "2.8.0+cu128", ""), Package("torchvision", "0.23.0+cpu", ""))
    same = place(torch="2.8.0+cu128", packages=Packages(packages))
    first, second = approaches.steps(option("pip", index=None), same).commands
    assert first[3:] == ("uninstall", "-y", "torchvision")
    assert second[3:] == ("install", "torch==2.8.0", "torchvision==0.23.0")
    (command,) = approaches.steps(option("uv", index=None), same).commands
    assert command[command.index("--reinstall-package") + 1 :] == ("torchvision", "torch==2.8.0", "torchvision==0.23.0")


@pytest.mark.parametrize("name", ["pip", "pip-tools"])
def test_no_environment_is_left_without_torch_where_the_label_makes_pip_replace_it(name: str) -> None:
    for broken in (False, True):
        there = place(torch="2.8.0+cu126", broken=broken)
        assert "uninstall" not in str(approaches.steps(option(name), there).commands)
        assert "uninstall" in str(approaches.steps(option(name, index=None), there).commands)


def test_a_broken_torch_is_installed_anew_by_each() -> None:
    for name in ("pip", "uv", "uv-project", "poetry", "pdm"):
        there = place(manager=name, broken=True, torch="2.8.0+cu128")
        words = [word for command in approaches.steps(option(name), there).commands for word in command]
        assert {"uninstall", "--reinstall-package", "--force-reinstall", "--reinstall"} & set(words), name


def test_the_source_of_a_project_keeps_its_name() -> None:
    project = replace(POETRY, sources=(Source("gpu", f"{URL}/", "poetry"), Source("bad name; rm", URL, "poetry")))
    commands = approaches.steps(option("poetry"), place(manager="poetry", project=project)).commands
    assert commands == (("poetry", "add", "--source", "gpu", "torch==2.8.0+cu128", "torchvision==0.23.0+cu128"),)
    hostile = replace(POETRY, sources=(Source("--help", URL, "poetry"),))
    assert approaches.steps(option("poetry"), place(manager="poetry", project=hostile)).commands[0][:3] == (
        "poetry",
        "source",
        "add",
    )


@pytest.mark.parametrize("name", [name for name, (wanted, _) in CASES.items() if FLASH in wanted.packages])
def test_what_imports_torch_to_be_built_is_built_after_it_and_beside_it(name: str) -> None:
    steps = approaches.steps(*CASES[name])
    lines = [*(" ".join(command) for command in steps.commands), *(text for _, text in steps.files)]
    (last,) = (number for number, line in enumerate(lines) if "flash-attn" in line)
    torch = [number for number, line in enumerate(lines) if "torch==" in line or "-r requirements-torch.txt" in line]
    assert min(torch) <= last
    assert "isolation" in lines[last]
    if name.startswith("docker"):
        (dockerfile,) = (text for _, text in steps.files)
        assert not [line for line in dockerfile.splitlines() if "flash-attn" in line and "torch==" in line]


@pytest.mark.parametrize("name", [name for name, (wanted, _) in CASES.items() if wanted.approach.name == "docker"])
def test_every_line_of_a_dockerfile_that_runs_is_an_argument_list(name: str) -> None:
    wanted, there = CASES[name]
    ((_, text),) = approaches.steps(wanted, there).files
    runs = [line for line in text.splitlines() if line.startswith("RUN")]
    assert runs
    assert all(isinstance(json.loads(line[4:]), list) for line in runs)


@pytest.mark.parametrize("name", CASES)
def test_lines_for_pyproject_are_toml(name: str) -> None:
    for file, text in approaches.steps(*CASES[name]).files:
        if file.endswith(".toml"):
            assert tomllib.loads(text)["tool"]


def test_fish_quotes_like_fish() -> None:
    assert quoted(("set", "-gx", "A", "it's $HOME \\n"), "fish") == r"set -gx A 'it\'s $HOME \\n'"
