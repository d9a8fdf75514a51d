"""What speaks against an approach as such: system, rights, network, the project's own manager, a toolkit that nobody needs."""

from __future__ import annotations

from torchsmith.choose import hardware
from torchsmith.choose.constraint import approach_constraint
from torchsmith.model.choice import Approach, Reason, Risk
from torchsmith.model.facts.container import Container, Jetson
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Environment
from torchsmith.model.facts.toolkit import HostCompiler, Toolkits
from torchsmith.model.known import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation

CONDA = frozenset({"conda", "mamba", "pixi"})
NIX = frozenset({"nix", "flox"})
TOOLKIT = frozenset({"env-vars", "user-path"})
COMPILES = TOOLKIT | {"source"}

PROJECTS = {
    "uv-project": ("uv", "uv sync", "uv.lock"),
    "poetry": ("Poetry", "poetry install", "poetry.lock"),
    "pdm": ("PDM", "pdm sync", "pdm.lock"),
    "pipenv": ("Pipenv", "pipenv sync", "Pipfile.lock"),
}
"""Managers that bring an environment back to what their lock says: name, the command that does, the lock."""

ASK_AN_INDEX = frozenset({"poetry", "pdm", "pipenv"})
"""Managers that know no offline: they ask their index whatever lies on this machine."""

IN_PLACE = frozenset({"pip", "uv", "pip-tools"}) | frozenset(PROJECTS)
"""Approaches that change the environment that is there."""

WHEELS = "torchsmith facts libraries: the CUDA libraries stand in the wheels or in what they require"


@approach_constraint("copied-libraries")
def copied_libraries(approach: Approach, situation: Situation) -> Reason | None:
    """Copying CUDA's libraries about is never the cure."""
    if approach.name != "dll-copy":
        return None
    where = r"torch\lib" if situation.machine.os == "windows" else "the nvidia packages beside torch"
    if situation.machine.os == "macos":
        return Reason("copied-libraries", "macOS has no CUDA, and torch for macOS loads no CUDA library", WHEELS)
    return Reason(
        "copied-libraries",
        f"the wheels bring every CUDA library that torch loads, in {where}; a copy elsewhere is not loaded, or is loaded in its "
        "place in a version that nobody tested, and no package manager replaces or removes it",
        WHEELS,
    )


@approach_constraint("toolkit-not-needed")
def toolkit_not_needed(approach: Approach, situation: Situation) -> Reason | Risk | None:
    """A toolkit in CUDA_HOME or on PATH serves compiling, and nothing else."""
    if approach.name not in TOOLKIT:
        return None
    if situation.machine.os == "macos":
        return Reason("toolkit-not-needed", "there is no CUDA toolkit for macOS", "NVIDIA CUDA toolkit release notes")
    if isinstance(situation.gpus, Gpus) and not situation.gpus:
        return Reason("toolkit-not-needed", "there is no GPU to compile for", "the GPUs of this machine", "an NVIDIA GPU")
    if situation.wishes.goal != "extension-build":
        return Reason(
            "toolkit-not-needed",
            "the wheels bring their own CUDA runtime: torch takes nothing from a toolkit, wherever CUDA_HOME and PATH point",
            WHEELS,
            "--goal extension-build",
        )
    return None


@approach_constraint("runs-here")
def runs_here(approach: Approach, situation: Situation) -> Reason | Risk | None:
    """What the approach's tool runs on."""
    machine = situation.machine
    if approach.name == "docker":
        return _docker(situation)
    if approach.name in NIX and machine.os == "windows":
        title = approach.tool or approach.name
        return Reason(
            "runs-here", f"{title} runs on Linux and macOS; here it would have to be inside WSL 2", "Nix manual", "WSL 2"
        )
    if approach.name in NIX and machine.os == "macos":
        return Reason("runs-here", "the CUDA packages are for Linux, and macOS has no CUDA", "nixpkgs", "Linux")
    if approach.name == "source" and machine.os == "macos":
        return Reason("runs-here", "there is no CUDA toolkit for macOS", "NVIDIA CUDA toolkit release notes", "Linux or Windows")
    if approach.name in CONDA and machine.libc == "musl":
        return Reason("runs-here", "conda-forge's packages need glibc, and this system has musl", "conda-forge: __glibc", "glibc")
    return None


def _docker(situation: Situation) -> Reason | Risk | None:
    machine, inside = situation.machine, situation.fact("container")
    if isinstance(inside, Container):
        kind = f" ({inside.kind})" if inside.kind else ""
        return Reason(
            "runs-here",
            f"this is inside a container already{kind}: an image is built and run on its host",
            "the container's marks",
            "the host outside of this container",
        )
    if machine.os == "macos":
        because = (
            "containers on macOS are Linux in a virtual machine: no GPU is passed to them, and macOS wheels do not run there"
        )
        return Reason("runs-here", because, "Docker Desktop documentation", "Linux or WSL 2")
    if machine.wsl == 1:
        return Reason("runs-here", "WSL 1 runs no containers", "Microsoft: comparing WSL versions", "WSL 2")
    if isinstance(situation.fact("jetson"), Jetson):
        return Risk("on a Jetson the container needs NVIDIA's own base image (l4t) and its torch", 0.4)
    if machine.os == "windows" and not hardware.devices(situation) and (other := _another_maker(situation)):
        because = f"Docker Desktop hands NVIDIA's GPUs to containers, not {other}"
        return Reason("runs-here", because, "Docker Desktop documentation", "Linux")
    if machine.os == "windows":
        return Risk("on Windows containers get the GPU through Docker Desktop's WSL 2 engine only", 0.1)
    return None


def _another_maker(situation: Situation) -> str:
    """A GPU of AMD's or Intel's that some build of torch serves, by its name; empty for none, and where nobody looked."""
    for kind in hardware.VENDORS:
        there = hardware.others(situation, kind)
        for device in () if isinstance(there, Unknown) else there:
            if hardware.served(device):
                return f"the {hardware.other_name(device)}"
    return ""


@approach_constraint("administrator")
def administrator(approach: Approach, situation: Situation) -> Reason | Risk | None:
    """``--no-admin``: nothing that an administrator has to set up first."""
    if situation.wishes.admin:
        return None
    if approach.name == "docker":
        toolkit = " and NVIDIA's Container Toolkit are" if hardware.devices(situation) else " is"
        return Reason(
            "administrator",
            f"Docker{toolkit} set up by an administrator, and who may use its daemon is as good as one",
            "--no-admin; Docker and NVIDIA Container Toolkit documentation",
            "without --no-admin, or a rootless Docker that is set up already",
        )
    environment = situation.environment
    if approach.name in NIX and not (isinstance(environment, Environment) and environment.kind == "nix"):
        because = "setting Nix's store up needs an administrator"
        return Reason("administrator", because, "--no-admin; Nix manual", "without --no-admin")
    if approach.name in COMPILES and situation.machine.os != "macos":
        return _toolkit_without_administrator(situation)
    return None


def _toolkit_without_administrator(situation: Situation) -> Reason | Risk | None:
    toolkits = situation.fact("toolkits")
    if isinstance(toolkits, Toolkits) and any(found.nvcc for found in toolkits.found):
        return None
    if isinstance(toolkits, Unknown):
        return Risk("whether a CUDA toolkit is installed is not known; its installers ask for an administrator", 0.2)
    if situation.machine.os == "windows":
        return Reason(
            "administrator",
            "no CUDA toolkit is installed, and its installer needs an administrator",
            "--no-admin; NVIDIA CUDA installation guide",
            "an installed CUDA toolkit",
        )
    return Risk("no CUDA toolkit is installed; without an administrator only its run file goes into a folder of one's own", 0.2)


@approach_constraint("network")
def network(approach: Approach, situation: Situation) -> Reason | None:
    """``--offline``: what fetches by itself and takes no folder of wheels instead, unless it manages what is here already."""
    if not situation.wishes.offline:
        return None
    if approach.name in ASK_AN_INDEX and approach.name != project_manager(situation):
        because = f"{approach.tool} resolves against an index, and has no word for doing without"
        return Reason("network", because, "--offline", "without --offline")
    fetched = {
        "docker": "its base image",
        "nix": "nixpkgs and what the binary cache holds",
        "flox": "its packages",
        "source": "the sources with all submodules",
    }.get(approach.name)
    if fetched is None:
        return None
    return Reason("network", f"{approach.title} fetches {fetched}", "--offline", "without --offline")


@approach_constraint("manager")
def manager(approach: Approach, situation: Situation) -> Reason | Risk | None:
    """A project is changed by its own manager: what another one puts beside it goes with the next install."""
    own = project_manager(situation)
    if own in PROJECTS and approach.name in IN_PLACE and approach.name != own:
        title, command, lock = PROJECTS[own]
        says = _said_by(lock, situation)
        if approach.name in PROJECTS:
            because = f"this is a project of {title}: {approach.tool} would keep a second lock beside {lock}"
            if says != lock:
                because = f"this is a project of {title}: {approach.tool} would keep another account of the same environment"
        else:
            because = f"this is a project of {title}: the next `{command}` puts back what {says} says"
        return Reason("manager", because, "reproduced with uv, Poetry 1.8 and 2, PDM", f"a project without {title}")
    environment = situation.environment
    if not isinstance(environment, Environment):
        return None
    if environment.kind == "conda" and approach.name in {"pip", "uv", "pip-tools", "cpu", "env-vars", "user-path"}:
        if environment.manager == "conda":
            return Risk("conda's own pytorch is here: remove it first, or two copies write over each other", 0.3)
        return Risk("conda does not see what pip installs, and may write over it at its next install", 0.1)
    if environment.kind == "pixi" and approach.name in IN_PLACE | {"cpu"}:
        return Risk("pixi.lock does not hold it: another machine, or `pixi clean`, goes without it", 0.3)
    if environment.kind == "pipx" and approach.name in IN_PLACE and approach.name != "pip":
        because = "this environment belongs to an application that pipx installed"
        return Reason("manager", because, "pipx", "an environment of its own")
    return None


def _said_by(lock: str, situation: Situation) -> str:
    """The file that the project's manager goes by: its lock, unless the folder was read and has none yet."""
    project = situation.project
    if not project.files or lock in project.files or any(each.file == lock for each in project.locked):
        return lock
    return "Pipfile" if lock.startswith("Pipfile") else "pyproject.toml"


def project_manager(situation: Situation) -> str:
    """The manager of the project that the environment belongs to; empty for none, and where several could be."""
    environment = situation.environment
    if isinstance(environment, Environment) and environment.manager in PROJECTS:
        return environment.manager
    return situation.project.manager if situation.project.manager in PROJECTS else ""


@approach_constraint("tool")
def tool(approach: Approach, situation: Situation) -> Risk | None:
    """The program that the approach needs, unless it manages the environment already."""
    if not approach.tool:
        return None
    environment = situation.environment
    have = environment.manager if isinstance(environment, Environment) else ""
    family = {"uv-project": "uv", "mamba": "conda"}
    if family.get(have, have) == family.get(approach.name, approach.name) or approach.name == project_manager(situation):
        return None
    beside = " with NVIDIA's Container Toolkit" if approach.name == "docker" and hardware.devices(situation) else ""
    return Risk(f"it needs {approach.tool}, if that is not here: {approach.get}{beside}", 0.02)


@approach_constraint("begins-a-project")
def begins_a_project(approach: Approach, situation: Situation) -> Risk | None:
    """Project managers keep torch in files of a project; where there is none, one is begun."""
    if approach.name not in PROJECTS and approach.name != "pixi":
        return None
    environment = situation.environment
    have = environment.manager if isinstance(environment, Environment) else ""
    if approach.name in {have, situation.project.manager} or situation.project.tables:
        return None
    return Risk(f"a project of {approach.tool} is begun in the current folder", 0.05)


@approach_constraint("catalog")
def catalog(approach: Approach, situation: Situation) -> Risk | None:
    """What is told of another channel's releases without having seen its catalog."""
    del situation
    return Risk("whether Flox's catalog has this release is not known here", 0.3) if approach.name == "flox" else None


@approach_constraint("compiler")
def compiler(approach: Approach, situation: Situation) -> Risk | None:
    """What is compiled needs a toolkit, and a compiler that it takes."""
    goal = situation.wishes.goal == "extension-build"
    if approach.name == "source":
        return Risk("a build from source takes hours, may fail after most of them, and is yours to repeat at each release", 0.3)
    wheels = approach.name in IN_PLACE and goal
    if not (wheels or (approach.name in TOOLKIT and goal)) or not (isinstance(situation.gpus, Gpus) and situation.gpus):
        return None
    toolkits, found = situation.fact("toolkits"), situation.fact("host_compiler")
    if wheels and not (isinstance(toolkits, Toolkits) and any(one.nvcc for one in toolkits.found)):
        return Risk("extensions are compiled with nvcc, which the wheels do not bring: see the approach `env-vars`", 0.2)
    if approach.name in TOOLKIT and isinstance(found, HostCompiler) and not found.version:
        return Risk(f"whether nvcc takes the compiler {found.path or found.name} is not known", 0.05)
    return None


EVERY = (
    copied_libraries,
    toolkit_not_needed,
    runs_here,
    administrator,
    network,
    manager,
    tool,
    begins_a_project,
    catalog,
    compiler,
)
"""In the order in which their reasons are given."""
