"""Machines made up directly as situations, for the constraints and the properties of a decision."""

from __future__ import annotations

from typing import Any

from torchsmith.choose import catalogue, situation
from torchsmith.choose.constraint import Constraint
from torchsmith.choose.situation import Situation
from torchsmith.knowledge import gpus as table
from torchsmith.model.choice import Candidate, Reason, Risk, Wishes
from torchsmith.model.facts.gpu import Device, Driver, Gpus, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.known import Fact, Known, Unknown

ORDINARY = Wishes()
SYSTEMS = {
    "linux": ("linux", None),
    "windows": ("windows", None),
    "wsl": ("linux", 2),
    "wsl1": ("linux", 1),
    "macos": ("macos", None),
}


def device(index: int, name: str) -> Device:
    """A GPU by its product name, or by its compute capability alone: ``sm_130``."""
    if name.startswith("sm_"):
        return Device(index, None, int(name[3:]))
    if name == "unlisted":
        return Device(index, "NVIDIA Graphics Device")
    row = table.by_name(name)
    assert row is not None, name
    return Device(index, row.name, row.sm)


def made(
    *gpus: str,
    driver: str | Unknown | None = "580.95.05",
    os: str = "linux",
    arch: str = "x86_64",
    python: str = "3.12",
    glibc: str = "2.39",
    wishes: Wishes = ORDINARY,
    witness: str = "assumption",
    **more: Any,
) -> Situation:
    """A machine with these GPUs. ``driver`` None is a known absence; further facts by name replace the usual ones."""
    system, wsl = SYSTEMS[os]
    linux = system == "linux"
    machine = Machine(
        system, arch, libc=("musl" if glibc == "musl" else "glibc") if linux and glibc else "", libc_version=glibc, wsl=wsl
    )
    interpreter = Interpreter(
        "python",
        f"{python.removesuffix('t')}.1",
        "/env",
        "/usr",
        64,
        arch,
        system,
        "venv",
        (),
        (),
        free_threaded=python.endswith("t"),
    )
    facts: dict[str, Fact[Any]] = {
        "machine": Known(machine, "test"),
        "gpus": Known(Gpus(tuple(device(index, name) for index, name in enumerate(gpus)), witness), "test"),
        "driver": driver if isinstance(driver, Unknown) else Known(Driver(driver) if driver else None, "test"),
        "pci_devices": Known(PciDevices(()), "test"),
        "interpreter": Known(interpreter, "test"),
        "environment": Known(Environment("venv", "pip"), "test"),
        "torch": Known(None, "test"),
    }
    for name, value in more.items():
        facts[name] = value if isinstance(value, Known | Unknown) else Known(value, "test")
    return situation.of(facts, wishes)


_KNOWN: dict[str, tuple[Candidate, ...]] = {}


def candidates(platform: str) -> tuple[Candidate, ...]:
    """The catalogue of a platform, made once."""
    if platform not in _KNOWN:
        _KNOWN[platform] = catalogue.candidates(platform)
    return _KNOWN[platform]


def candidate(version: str, asked: Situation, *, python: str = "3.12", channel: str = "wheel") -> Candidate:
    """The build of the catalogue, such as 2.14.1+cu126, for a Python; any Python where it has none for that one."""
    torch, _, build = version.partition("+")
    found = [c for c in candidates(asked.machine.platform) if (c.channel, c.torch, c.build) == (channel, torch, build)]
    assert found, f"no {version} for {asked.machine.platform}"
    return next((c for c in found if c.python == python), found[-1])


def says(constraint: Constraint, version: str, asked: Situation, **which: str) -> Reason | Risk | None:
    """What a constraint says of a build."""
    answer: Reason | Risk | None = constraint.judge(candidate(version, asked, **which), asked)
    return answer
