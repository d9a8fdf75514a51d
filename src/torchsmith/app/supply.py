"""What a decision needs to know of this machine besides the diagnosis: room for another torch, and wheels that lie here."""

from __future__ import annotations

import re

from torchsmith.model.facts.install import Indexes, LocalWheel, LocalWheels
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.facts.system import Room
from torchsmith.model.known import Known, Unknown
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.choice import Wishes
    from torchsmith.model.known import Fact

PLACES = 20
WHEELS = 2000
"""The most folders that are looked at, and wheels that are kept."""
_FAMILY = ("torch", "torchvision", "torchaudio")
_CONDA_FOLDERS = ("miniforge3", "miniconda3", "mambaforge", "anaconda3", "micromamba", ".conda", ".local/share/mamba")
_CONDA_PACKAGE = pattern(r"pytorch-(\d[\w.]{0,20})-(\w{1,60})(?:\.conda|\.tar\.bz2)?")


def of(host: Host, facts: Mapping[str, Fact[Any]], wishes: Wishes) -> dict[str, Fact[Any]]:
    """The facts that are added: ``room`` though torch is installed, and with ``--offline`` the ``local_wheels``."""
    added: dict[str, Fact[Any]] = {}
    if room := _room(host, facts):
        added["room"] = room
    if wishes.offline:
        added["local_wheels"] = _wheels(host, facts)
    return added


def _room(host: Host, facts: Mapping[str, Fact[Any]]) -> Fact[Room | None] | None:
    """Where torch would go: the environment, or the current folder where a new one has to be made."""
    from torchsmith.probes import room

    known, interpreter, environment = (facts.get(name) for name in ("room", "interpreter", "environment"))
    if not isinstance(known, Known) or not isinstance(interpreter, Known) or not isinstance(interpreter.value, Interpreter):
        return None
    fixed = isinstance(environment, Known) and isinstance(environment.value, Environment) and not environment.value.changeable
    if fixed:
        folders = host.folders()
        here, temp = (folders.value["cwd"], folders.value["temp"]) if isinstance(folders, Known) else ("", "")
        free, spare = (host.disk(place) for place in (here, temp))
        if not isinstance(free, Known):
            return None
        return Known(Room(here, free.value["free"], temp, spare.value["free"] if isinstance(spare, Known) else None), here)
    return None if isinstance(known.value, Room) else room.room(host, interpreter.value, None)


def _wheels(host: Host, facts: Mapping[str, Fact[Any]]) -> Fact[LocalWheels]:
    """Folders that pip or uv were told to look in, the caches of uv and conda; nothing leaves the machine."""
    folders, told = host.folders(), facts.get("indexes")
    entries = told.value.entries if isinstance(told, Known) and isinstance(told.value, Indexes) else ()
    places = dict.fromkeys(path for entry in entries if (path := _folder(entry.url)))
    if isinstance(folders, Unknown):  # another machine: it has what is assumed of it, and into its folders nobody can look
        return Known(LocalWheels((), tuple(places), tuple(places)), f"no wheels are assumed: {folders.reason}")
    found: list[LocalWheel] = []
    for place in list(places)[:PLACES]:
        found += _in_folder(host, place)
    unseen = tuple(place for place in places if place in list(places)[PLACES:] or isinstance(host.names(place), Unknown))
    found += _in_uv_cache(host)
    found += _in_conda_caches(host, folders.value["home"])
    known = LocalWheels(tuple(dict.fromkeys(found))[:WHEELS], tuple(places), unseen)
    return Known(known, "folders of wheels and caches")


def _in_conda_caches(host: Host, home: str) -> Iterator[LocalWheel]:
    """What conda, mamba and pixi have fetched: ``pytorch-2.9.1-cuda129_mkl_py312_h1234567_300``, as archive or unpacked."""
    told = host.variable("CONDA_PKGS_DIRS")
    places = [told.value] if isinstance(told, Known) and told.value else []
    places += [f"{home}/{folder}/pkgs" for folder in _CONDA_FOLDERS]
    base = host.variable("CONDA_EXE")
    if isinstance(base, Known) and base.value:
        places.append(f"{base.value.replace(chr(92), '/').rpartition('/')[0].rpartition('/')[0]}/pkgs")
    for place in (*places, f"{home}/.cache/rattler/cache/pkgs"):
        names = host.names(place)
        for name in names.value if isinstance(names, Known) else ():
            if found := _CONDA_PACKAGE.fullmatch(name):
                yield LocalWheel("pytorch", found[1], (found[2], "", ""), place, "conda")


def _folder(url: str) -> str:
    """The folder behind a file URL or a path; empty for what lies elsewhere."""
    if url.lower().startswith("file://"):
        path = _plain(url[7:].removeprefix("localhost"))
        if not path.startswith("/"):  # a share of another machine
            return f"//{path}"
        return path[1:] if re.match(r"/[A-Za-z]:[/\\]", path) else path
    return url if url.startswith("/") or re.match(r"[A-Za-z]:[/\\]", url) else ""


def _plain(path: str) -> str:
    """A path without the percent signs that an address writes for its odd letters."""
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes((int(found[1], 16),)), path.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "replace")


def _in_folder(host: Host, place: str) -> Iterator[LocalWheel]:
    """A folder of wheels, or a local index with a folder for each project."""
    for folder in (place, *(f"{place.rstrip('/')}/{name}" for name in _FAMILY)):
        names = host.names(folder)
        for name in names.value if isinstance(names, Known) else ():
            if wheel := wheel_of(name, folder):
                yield wheel


def wheel_of(filename: str, place: str, cache: str = "") -> LocalWheel | None:
    """A wheel of torch's family by its file name; None for any other file."""
    parts = filename.removesuffix(".whl").split("-")
    if not filename.endswith(".whl") or parts[0].lower() not in _FAMILY or len(parts) not in {5, 6} or not filename.isprintable():
        return None
    python, abi, platform = parts[-3:]
    return LocalWheel(parts[0].lower(), parts[1].replace("%2B", "+"), (python, abi, platform), place, cache)


def _in_uv_cache(host: Host) -> Iterator[LocalWheel]:
    folders, told = host.folders(), host.variable("UV_CACHE_DIR")
    home = folders.value["home"] if isinstance(folders, Known) else ""
    local = host.variable("LOCALAPPDATA")  # Windows' place for it
    base = f"{local.value}/uv/cache" if isinstance(local, Known) and local.value else f"{home}/.cache/uv"
    base = told.value if isinstance(told, Known) and told.value else base
    buckets = host.names(base)
    wheels = [name for name in (buckets.value if isinstance(buckets, Known) else []) if name.startswith("wheels-v")]
    for bucket in wheels[-2:]:
        by_index = host.names(f"{base}/{bucket}/index")
        digests = by_index.value[:PLACES] if isinstance(by_index, Known) else []
        for source in ("pypi", *(f"index/{digest}" for digest in digests)):
            for package in _FAMILY:
                place = f"{base}/{bucket}/{source}/{package}"
                kept = host.names(place)
                for name in kept.value if isinstance(kept, Known) else ():
                    # `2.9.1-cp312-cp312-manylinux_2_28_x86_64` leads to the unpacked wheel.
                    if not name.endswith((".http", ".lock", ".msgpack", ".rev")):
                        yield from filter(None, (wheel_of(f"{package}-{name}.whl", place, "uv"),))
