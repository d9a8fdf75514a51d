"""``--assume toolkit=, cpu=, ram=, disk=, container=, manager=``: what stands around torch and its GPU."""

from __future__ import annotations

from torchsmith.knowledge import toolkits as table
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.hardware import Memory, Processor
from torchsmith.model.facts.python import Environment
from torchsmith.model.facts.system import Cpu, Room
from torchsmith.model.facts.toolkit import Toolkit, Toolkits
from torchsmith.model.known import Known
from torchsmith.model.versions import key
from torchsmith.probes.toolkits import WINDOWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.facts.machine import Machine
    from torchsmith.model.known import Fact

KEYS = frozenset({"toolkit", "cpu", "ram", "disk", "container", "manager"})
LEVELS = {"x86-64": 1, "x86-64-v1": 1, "x86-64-v2": 2, "x86-64-v3": 3, "x86-64-v4": 4}
CONTAINERS = ("docker", "podman", "kubernetes", "apptainer", "containerd", "lxc")
KINDS = {"pip": "venv", "uv": "venv", "uv-project": "uv", "pipenv": "venv", "pip-tools": "venv"}
MANAGERS = (*KINDS, "poetry", "pdm", "conda", "mamba", "pixi", "pipx", "nix")
MOST = 1 << 20  # GiB


def facts(given: dict[str, str], machine: Machine) -> dict[str, Fact[Any]]:
    """The facts that these keys give on this machine.

    Raises:
        UsageError: a value that cannot be.

    """
    assumed: dict[str, Fact[Any]] = {}
    for name, values in (
        ("toolkit", lambda text: {"toolkits": _toolkits(text, machine)}),
        ("cpu", lambda text: _cpu(text, machine)),
        ("ram", lambda text: {"memory": _memory(text)}),
        ("disk", lambda text: {"room": _room(text)}),
        ("container", lambda text: {"container": _container(text, machine)}),
        ("manager", lambda text: {"environment": _environment(text)}),
    ):
        if name in given:
            source = f"assumed: {name}={given[name]}"
            assumed |= {fact: Known(value, source) for fact, value in values(given[name]).items()}
    return assumed


def _toolkits(text: str, machine: Machine) -> Toolkits | None:
    """One toolkit, whole, in its usual place, and active."""
    if text.lower() == "none":
        return None
    if machine.os == "macos":
        raise UsageError(f"`--assume toolkit={text}`: no CUDA toolkit is made for macOS")
    if table.get(text) is None:
        known = list(dict.fromkeys(".".join(version.split(".")[:2]) for version in table.known()))
        raise UsageError(
            f"`--assume toolkit={text}`: no such CUDA toolkit is known; the newest is {known[-1]}, the oldest {known[0]}"
        )
    minor = ".".join(map(str, key(text)[:2]))
    windows = machine.os == "windows"
    root = f"{WINDOWS}/v{minor}" if windows else f"/usr/local/cuda-{minor}"
    toolkit = Toolkit(root, text, f"{root}/bin/nvcc{'.exe' if windows else ''}")
    return Toolkits((toolkit,), root, "the assumption", root)


def _cpu(text: str, machine: Machine) -> dict[str, Any]:
    level = LEVELS.get(text.lower()) or LEVELS.get(f"x86-64-{text.lower()}")
    if level is None:
        raise UsageError(f"`--assume cpu={text}`: the levels are {', '.join(list(LEVELS)[1:])}")
    if machine.arch != "x86_64":
        raise UsageError(f"`--assume cpu={text}`: that is a level of x86_64, and the machine is {machine.arch}")
    # The levels name what they demand: AVX and AVX2 come with the third.
    return {"cpu": Cpu("", level, avx=level >= 3, avx2=level >= 3), "processor": Processor(level=level)}


def _memory(text: str) -> Memory:
    return Memory(_bytes("ram", "memory", text))


def _room(text: str) -> Room:
    """The same room where torch would go and where it is unpacked."""
    free = _bytes("disk", "room on disk", text)
    return Room("the environment", free, "the temporary folder", free)


def _bytes(name: str, what: str, text: str) -> int:
    number = text.lower().removesuffix("gib").removesuffix("gb").strip()
    whole, _, part = number.partition(".")
    if not whole.isdecimal() or (part and not part.isdecimal()) or len(number) > 12 or not 0 < float(number) <= MOST:
        raise UsageError(f"`--assume {name}={text}`: {what} is given in GiB, as in 32 or 0.5")
    return int(float(number) * (1 << 30))


def _environment(text: str) -> Environment:
    manager = text.lower()
    if manager not in MANAGERS:
        raise UsageError(f"`--assume manager={text}`: the managers are {', '.join(MANAGERS)}")
    return Environment(KINDS.get(manager, manager), manager, f"assumed: manager={manager}")


def _container(text: str, machine: Machine) -> Container | None:
    kind = text.lower()
    if kind == "none":
        return None
    if kind not in CONTAINERS:
        raise UsageError(f"`--assume container={text}`: the containers are {', '.join(CONTAINERS)}, or none")
    if machine.os != "linux":
        raise UsageError(f"`--assume container={text}`: a container is Linux, and the machine is {machine.os}")
    return Container(kind, ("assumed",))
