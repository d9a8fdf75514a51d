"""``torchsmith check --all``: every Python environment of this machine, each judged by itself, the machine looked at once."""

from __future__ import annotations

import re

from torchsmith.app import check
from torchsmith.engine.collect import collect
from torchsmith.model.facts.python import Target
from torchsmith.model.known import Known
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from torchsmith.engine.declare import Node
    from torchsmith.host.base import Host
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.known import Fact

LIMIT = 64
_PYTHON = pattern(r"python(?:3(?:\.\d{1,2})?)?(?:\.exe)?", re.ASCII)
# Folders that hold environments, below the home folder; each name in them is one.
_HOMES = (
    ".virtualenvs",
    ".local/share/virtualenvs",
    ".cache/pypoetry/virtualenvs",
    "Library/Caches/pypoetry/virtualenvs",
    "AppData/Local/pypoetry/Cache/virtualenvs",
    ".pyenv/versions",
    ".pyenv/pyenv-win/versions",
    ".local/share/uv/tools",
    ".local/share/uv/python",
    "AppData/Roaming/uv/tools",
    "AppData/Roaming/uv/python",
    ".local/pipx/venvs",
    ".local/share/pipx/venvs",
    "pipx/venvs",
    ".asdf/installs/python",
)
_CONDAS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", "opt/miniconda3", "opt/anaconda3", ".conda")
_SYSTEM_CONDAS = (
    "/opt/conda",
    "/opt/miniconda3",
    "/opt/anaconda3",
    "/opt/miniforge3",
    "C:/ProgramData/miniconda3",
    "C:/ProgramData/anaconda3",
)


def check_all(
    host: Host, assumed: Mapping[str, Fact[Any]], select: Iterable[str], ignore: Mapping[str, str], detail: bool = False
) -> list[Diagnosis]:
    """One diagnosis per environment, the one that plain ``check`` would look at first."""
    chosen = frozenset(select)
    nodes = check.nodes(detail)
    first = collect(host, nodes, assumed)
    diagnoses = [check.diagnose(first, chosen, ignore)]
    own = _of_environment(nodes)
    machine = {name: fact for name, fact in first.items() if name not in own}
    seen = set()
    target = first.get("target")
    if isinstance(target, Known):
        seen.add(identity(host, target.value.python))
    for python, found_by in found(host, _windows(first)):
        key = identity(host, python)
        if key is None or key in seen:
            continue
        seen.add(key)
        if len(diagnoses) >= LIMIT:
            break
        facts = collect(host, nodes, {**machine, "target": Known(Target(python, found_by), found_by)})
        diagnoses.append(check.diagnose(facts, chosen, ignore))
    return diagnoses


def found(host: Host, windows: bool) -> Iterator[tuple[str, str]]:
    """Every interpreter in the places where environments are kept, with the place; doubles included."""
    folders = host.folders()
    places = folders.value if isinstance(folders, Known) else {"home": "", "cwd": ""}
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        value = host.variable(variable)
        if isinstance(value, Known) and value.value:
            yield from _in(host, [value.value], variable, windows)
    here = [f"{places['cwd']}/{name}/.venv" for name in _names(host, places["cwd"])[:200]]
    yield from _in(host, [f"{places['cwd']}/.venv", f"{places['cwd']}/venv", *here], "a folder here", windows)
    yield from _on_path(host, windows)
    yield from _in(host, _conda(host, places["home"]), "conda", windows)
    for inside in _HOMES:
        folder = f"{places['home']}/{inside}"
        yield from _in(host, [f"{folder}/{name}" for name in _names(host, folder)], folder, windows)


def identity(host: Host, python: str) -> str | None:
    """What makes two paths one environment: the prefix for a venv or conda, else the interpreter itself.

    None for a shim and for a Python 2.
    """
    path = python.replace("\\", "/")
    folder = path.rpartition("/")[0]
    for prefix in (folder, folder.rpartition("/")[0]):
        if prefix and (host.exists(f"{prefix}/pyvenv.cfg") or host.exists(f"{prefix}/conda-meta")):
            real = host.real(prefix)
            return real.value if isinstance(real, Known) else prefix
    start = host.read(path, 2)
    if isinstance(start, Known) and start.value == "#!":
        return None
    real = host.real(path)
    if isinstance(real, Known) and "python2" not in real.value.rpartition("/")[2]:
        return real.value
    return None


def _of_environment(nodes: Iterable[Node]) -> frozenset[str]:
    """The facts that depend on which interpreter is meant."""
    own = {"target"}
    for node in nodes:  # in order: inputs come first
        if any(need.fact in own for need in node.needs):
            own.add(node.fact)
    return frozenset(own)


def _on_path(host: Host, windows: bool) -> Iterator[tuple[str, str]]:
    path = host.variable("PATH")
    value = (path.value if isinstance(path, Known) else None) or ""
    for folder in dict.fromkeys(value.split(";" if windows else ":")):
        if folder and "WindowsApps" not in folder:
            for name in [name for name in _names(host, folder) if _PYTHON.fullmatch(name)]:
                yield f"{folder}/{name}", "PATH"


def _conda(host: Host, home: str) -> list[str]:
    """Conda's own list, then the environments below its usual roots."""
    listed = host.read(f"{home}/.conda/environments.txt", 1 << 16)
    prefixes = [line.strip() for line in listed.value.splitlines() if line.strip()] if isinstance(listed, Known) else []
    exe = host.variable("CONDA_EXE")
    roots = [*(f"{home}/{name}" for name in _CONDAS), *_SYSTEM_CONDAS]
    if isinstance(exe, Known) and exe.value:
        roots.insert(0, exe.value.replace("\\", "/").rpartition("/")[0].rpartition("/")[0])
    for root in roots:
        prefixes += [root, *(f"{root}/envs/{name}" for name in _names(host, f"{root}/envs"))]
    return prefixes


def _in(host: Host, prefixes: Iterable[str], place: str, windows: bool) -> Iterator[tuple[str, str]]:
    from torchsmith.probes.target import in_prefix

    for prefix in prefixes:
        python = in_prefix(host, prefix, windows)
        if python:
            yield python, place


def _names(host: Host, folder: str) -> list[str]:
    names = host.names(folder)
    return names.value if isinstance(names, Known) else []


def _windows(facts: Mapping[str, Fact[Any]]) -> bool:
    machine = facts.get("machine")
    return isinstance(machine, Known) and machine.value.os == "windows"
