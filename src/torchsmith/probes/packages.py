"""What is installed: the names of dist-info folders, and conda's own records."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.python import Interpreter, Package, Packages
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_DIST = pattern(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._]*)-(?P<version>\d[A-Za-z0-9.!+_]*)(?:-py\d[\d.]*)?\.(?:dist|egg)-info", re.ASCII
)
_CONDA = pattern(
    r"(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)-(?P<version>[A-Za-z0-9.!+_]+)-(?P<build>[A-Za-z0-9._+]+)\.json", re.ASCII
)


@probe
def packages(host: Host, interpreter: Interpreter) -> Fact[Packages]:
    """List every folder of the search path; a folder that cannot be read is left out unless none can."""
    installed: list[Package] = []
    leftovers: list[str] = []
    unread: list[Unknown] = []
    folders = [
        entry for entry in interpreter.search_path if not entry.startswith(interpreter.stdlib) or entry in _sites(interpreter)
    ]
    for folder in folders:
        names = host.names(folder)
        if isinstance(names, Unknown):
            unread.append(names)
            continue
        found, left = parse(folder, names.value)
        installed += found
        leftovers += left
    if unread and len(unread) == len(folders):
        return Unknown(f"no folder of the search path can be read: {unread[0].reason}", tuple(folders))
    conda = host.names(f"{interpreter.prefix}/conda-meta")
    records = parse_conda(conda.value, f"{interpreter.prefix}/conda-meta") if isinstance(conda, Known) else ()
    return Known(Packages(tuple(installed), tuple(leftovers), records), "; ".join(_sites(interpreter)))


def parse(folder: str, names: list[str]) -> tuple[list[Package], list[str]]:
    """Distributions among the names of a folder, and what a cut-off pip left behind (``~orch-2.1.0.dist-info``, ``~orch``)."""
    found = []
    for name in names:
        matched = _DIST.fullmatch(name)
        if matched:
            found.append(Package(normal(matched["name"]), matched["version"], folder, f"{folder}/{name}"))
    return found, [f"{folder}/{name}" for name in names if name.startswith("~")]


def parse_conda(names: list[str], folder: str) -> tuple[Package, ...]:
    """Conda's records: ``pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0.json``."""
    matches = (matched for name in names if (matched := _CONDA.fullmatch(name)))
    return tuple(
        Package(normal(m["name"]), m["version"], folder, f"{folder}/{m[0]}", "conda", conda_build=m["build"]) for m in matches
    )


def normal(name: str) -> str:
    """A distribution's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _sites(interpreter: Interpreter) -> tuple[str, ...]:
    user = (interpreter.user_site,) if interpreter.user_site else ()
    return (*user, *interpreter.site_packages)
