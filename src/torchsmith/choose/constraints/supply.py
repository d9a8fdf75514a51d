"""Where a build would come from and where it would go: indexes, what is here already, room on the disk."""

from __future__ import annotations

from torchsmith.choose import standing
from torchsmith.choose.constraint import constraint
from torchsmith.choose.constraints.project import label_of
from torchsmith.knowledge import install_sizes
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.install import Indexes, LocalWheels
from torchsmith.model.facts.system import Room
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Unknown
from torchsmith.model.versions import local_label, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.install import Index, LocalWheel
    from torchsmith.model.facts.machine import Machine

CONDA = "pytorch"
CONDA_NAMES = (CONDA, "pytorch-gpu", "pytorch-cpu", "libtorch")
"""How conda calls torch, and what else it records it under."""
SIZES = "torchsmith facts install_sizes"
_ROUGH = 0.7
"""The share of an estimated size that is needed for certain."""
_SAME_DISK = 1 << 20
"""Two places with as much room as each other, to a megabyte, are taken for one file system."""


def _mirror(situation: Situation) -> Index | None:
    """The index that stands in for the default one here, unless that is PyTorch's."""
    told = situation.fact("indexes")
    entries = told.entries if isinstance(told, Indexes) else ()
    return next((entry for entry in entries if entry.kind == "index" and not label_of(entry.url)), None)


@constraint("index", "channel", "build", "default", when=lambda situation: _mirror(situation) is not None)
def index(candidate: Candidate, situation: Situation) -> Risk | None:
    """Where installers are told to use an index of their own, PyTorch's may be out of reach."""
    mirror = _mirror(situation)
    if candidate.channel != "wheel" or candidate.default or mirror is None:
        return None
    if any(label_of(entry.url) == candidate.build for entry in situation.fact("indexes").entries):
        return None
    return Risk(f"packages come from {_host(mirror.url)} here; whether PyTorch's own index is in reach too is not known", 0.1)


def _host(url: str) -> str:
    """The host alone: a path may hold a token."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2] or "a local index"


def _offline(situation: Situation) -> bool:
    return bool(situation.wishes.offline)


@constraint("offline", "channel", "torch", "build", "python", "default", when=_offline)
def offline(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """``--offline``: what is installed stays, and a wheel that lies here can be installed."""
    if installed(candidate, situation):
        return None
    fitting = _here(candidate, situation)
    what = "package" if candidate.channel != "wheel" else "wheel"
    if fitting:
        wheel = min(fitting, key=lambda wheel: wheel.cache)
        where = f"{wheel.cache}'s cache" if wheel.cache else wheel.place
        return Risk(f"the {what} is in {where}; whether all that it requires is there too is not known", 0.1)
    known = situation.fact("local_wheels")
    if isinstance(known, Unknown):
        return Risk(f"whether a {what} of it is on that machine is not known: {known.reason}", 0.4)
    if isinstance(known, LocalWheels) and known.unseen:
        return Risk(f"whether a {what} of it lies there is not known: {known.unseen[0]} could not be looked into", 0.4)
    return Reason(
        "offline",
        f"no {what} of torch {candidate.version} for Python {candidate.python} is on this machine",
        "--offline",
        "without --offline, or with a folder that holds the wheels (PIP_FIND_LINKS)",
    )


@constraint("uv-cache", "channel", "torch", "build", "python", "default", when=_offline)
def uv_cache(candidate: Candidate, situation: Situation) -> Reason | None:
    """A wheel that is only in uv's cache serves uv alone, whose approaches bring it."""
    fitting = _here(candidate, situation)
    if installed(candidate, situation) or not fitting or not all(wheel.cache for wheel in fitting):
        return None
    because = f"the wheel of torch {candidate.version} is only in uv's cache, from which no other installer takes it"
    return Reason("uv-cache", because, "--offline", "uv, or without --offline")


def _by_its_environment(situation: Situation) -> bool:
    """Whether no project's manager is here: that one would have nothing to fetch, and no other may take its place."""
    return _offline(situation) and standing.own_manager(situation) not in standing.PROJECTS


@constraint("installed-only", "channel", "torch", "build", "python", "default", when=_by_its_environment)
def installed_only(candidate: Candidate, situation: Situation) -> Reason | None:
    """What is installed and lies nowhere else serves this environment alone: the approaches that work there bring it."""
    if not installed(candidate, situation) or any(not wheel.cache for wheel in _here(candidate, situation)):
        return None
    because = f"torch {candidate.version} is installed here and lies nowhere else: for a project of its own it would be fetched"
    return Reason("installed-only", because, "--offline", "without --offline")


def _here(candidate: Candidate, situation: Situation) -> list[LocalWheel]:
    """The wheels of the candidate, or conda's packages of it, that lie on this machine."""
    known = situation.fact("local_wheels")
    wheels = known.wheels if isinstance(known, LocalWheels) else ()
    if candidate.channel == "conda-forge":
        kept = (wheel for wheel in wheels if wheel.package == CONDA)
        return [wheel for wheel in kept if wheel.version == candidate.torch and _for_conda(wheel, candidate)]
    return [wheel for wheel in wheels if candidate.channel == "wheel" and _serves(wheel, candidate, situation.machine)]


def _for_conda(package: LocalWheel, candidate: Candidate) -> bool:
    """``cuda129_mkl_py312_...`` says the Python and whether it is for CUDA; of which one is left open."""
    build = package.tags[0]
    return f"py{candidate.python.replace('.', '')}" in build and build.startswith("cuda") == (candidate.kind == "cuda")


def installed(candidate: Candidate, situation: Situation) -> bool:
    """Whether the candidate is what is installed, from that channel, and whole."""
    have = situation.torch
    if not isinstance(have, Torch) or situation.reinstall or candidate.python != situation.python:
        return False
    by_conda = any(situation.packages.conda_record(name) is not None for name in CONDA_NAMES)
    if by_conda == (candidate.channel == "wheel"):
        return False
    return public(have.version) == candidate.torch and have.build == candidate.build


def _serves(wheel: LocalWheel, candidate: Candidate, machine: Machine) -> bool:
    label = local_label(wheel.version)
    if wheel.package != "torch" or public(wheel.version) != candidate.torch:
        return False
    if (label != candidate.build) if label else not candidate.default:
        return False
    python, abi, platform = wheel.tags
    if candidate.tag not in {abi, python if abi == "none" else ""}:
        return False
    arch = {"windows": {"x86_64": "amd64"}, "macos": {"aarch64": "arm64"}}.get(machine.os, {}).get(machine.arch, machine.arch)
    start = {"windows": "win", "macos": "macosx"}.get(machine.os, "")
    return platform.endswith(arch) and (platform.startswith(start) if start else "linux" in platform)


def _tight(situation: Situation) -> bool:
    """Whether any build could be too large for the room that is known."""
    room = situation.fact("room")
    known = [free for free in (room.site_free, room.temp_free) if free is not None] if isinstance(room, Room) else []
    return bool(known) and min(known) < install_sizes.largest()


@constraint("disk", "channel", "torch", "build", "kind", "platform", "python", when=_tight)
def disk(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """Room for the unpacked wheels, and for the download where it is unpacked."""
    room = situation.fact("room")
    if not isinstance(room, Room) or room.site_free is None or installed(candidate, situation):
        return None
    of = (candidate.torch, candidate.build, candidate.kind, candidate.platform)
    size, fetched = install_sizes.unpacked(*of), install_sizes.download(*of)
    if size is None or fetched is None:
        return None
    need, measured = size[0] - _freed(candidate, situation), size[1]
    about = "" if measured else "about "
    if room.site_free < need * (1 if measured else _ROUGH):
        because = f"it takes {about}{gigabytes(need)}, and {room.site} has {gigabytes(room.site_free)} free"
        return Reason("disk", because, SIZES, f"free {gigabytes(need - room.site_free)} on {room.site}")
    one = room.temp_free is not None and abs(room.temp_free - room.site_free) < _SAME_DISK
    if one and room.site_free < need + fetched[0]:
        whole = gigabytes(need + fetched[0])
        return Risk(f"with its download it takes {about}{whole}, and {room.site} has {gigabytes(room.site_free)} free", 0.2)
    if room.temp_free is not None and room.temp_free < fetched[0]:
        space = f"{room.temp} has {gigabytes(room.temp_free)} free"
        return Risk(f"it downloads {about}{gigabytes(fetched[0])}, and {space}: set TMPDIR to a larger place", 0.2)
    return None


def _freed(candidate: Candidate, situation: Situation) -> int:
    """What goes when the installed torch gives way, in the same environment."""
    have = situation.torch
    if not isinstance(have, Torch) or candidate.python != situation.python:
        return 0
    size = install_sizes.unpacked(public(have.version), have.build, have.kind, candidate.platform)
    return size[0] if size else 0


def gigabytes(size: int) -> str:
    """Decimal, as disks are sold: ``9.1 GB``; rounded up, for it is asked for."""
    return f"{-(-max(size, 0) // 100_000_000) / 10:.1f} GB"


EVERY = (index, offline, uv_cache, installed_only, disk)
