"""Which interpreter the user means: the active environment, the project in this folder, else the default one."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Target
from torchsmith.model.known import Fact, Known, Unknown

PROJECT_FILES = ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock", "pixi.toml", "Pipfile", "requirements.txt")


@probe
def target(host: Host, machine: Machine) -> Fact[Target]:
    """``--python`` comes before this probe, as an assumed fact."""
    windows = machine.os == "windows"
    active = _active(host, windows)
    if active is not None:
        return active
    folders = host.folders()
    if isinstance(folders, Unknown):
        return folders
    python = _of_project(host, folders.value["cwd"], folders.value["home"], windows)
    if python:
        return Known(Target(python, "project in this folder"), python)
    own = folders.value["python"]
    if own and _own_environment_has_torch(host, own, windows):
        return Known(Target(own, "torchsmith is installed beside torch"), own)
    for name in ("python3", "python"):
        found = host.which(name)
        # Windows' App Execution Alias opens a shop instead of running Python.
        if isinstance(found, Known) and "WindowsApps" not in found.value:
            return Known(Target(found.value, f"{name} on PATH"), found.source)
    return Known(Target(own, "torchsmith's own interpreter"), "process") if own else Unknown("no Python found", ("PATH",))


def _active(host: Host, windows: bool) -> Known[Target] | None:
    """The activated environment; of a venv and a conda environment, the one whose folder comes first on PATH."""
    found: list[tuple[str, Known[Target]]] = []
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = host.variable(variable)
        if isinstance(prefix, Known) and prefix.value:
            python = in_prefix(host, prefix.value, windows) or _broken(host, prefix.value, windows)
            if python:
                found.append((prefix.value.replace("\\", "/").rstrip("/"), Known(Target(python, variable), prefix.source)))
    if len(found) > 1:
        first = host.which("python")
        path = first.value.replace("\\", "/") if isinstance(first, Known) else ""
        found.sort(key=lambda pair: not path.startswith(f"{pair[0]}/"))
    return found[0][1] if found else None


def _broken(host: Host, prefix: str, windows: bool) -> str:
    """Where the interpreter of an environment ought to be that has lost it (its base Python was removed)."""
    if not host.exists(f"{prefix}/pyvenv.cfg"):
        return ""
    return f"{prefix}/Scripts/python.exe" if windows else f"{prefix}/bin/python"


def in_prefix(host: Host, prefix: str, windows: bool) -> str:
    """The interpreter of an environment's prefix, empty if there is none."""
    names = ("Scripts/python.exe", "python.exe") if windows else ("bin/python", "bin/python3")
    return next((path for name in names if host.exists(path := f"{prefix}/{name}")), "")


def _of_project(host: Host, folder: str, home: str, windows: bool) -> str:
    listed = host.names(folder)
    names = set(listed.value) if isinstance(listed, Known) else set()
    if not names & {*PROJECT_FILES, ".venv", ".pixi"}:
        return ""
    for inside in (".venv", ".pixi/envs/default"):
        python = in_prefix(host, f"{folder}/{inside}", windows) or _broken(host, f"{folder}/{inside}", windows)
        if python:
            return python
    if "poetry.lock" in names or "pyproject.toml" in names:
        return _of_poetry(host, folder, home, windows)
    return ""


def _of_poetry(host: Host, folder: str, home: str, windows: bool) -> str:
    """Poetry's environment in its cache: ``<name>-<hash of the project's path>-py3.12``; the newest Python of several."""
    import base64
    import hashlib

    project = host.read(f"{folder}/pyproject.toml")
    if isinstance(project, Unknown) or ("[tool.poetry]" not in project.value and not host.exists(f"{folder}/poetry.lock")):
        return ""
    asked = host.variable("POETRY_VIRTUALENVS_PATH")
    cache = asked.value if isinstance(asked, Known) and asked.value else f"{home}/.cache/pypoetry/virtualenvs"
    real = host.real(folder)
    mark = base64.urlsafe_b64encode(hashlib.sha256((real.value if isinstance(real, Known) else folder).encode()).digest())
    wanted = f"-{mark.decode()[:8]}-py"
    listed = host.names(cache)
    found = [name for name in (listed.value if isinstance(listed, Known) else []) if wanted in name]
    found.sort(key=lambda name: [int(n) for n in name.rpartition("-py")[2].split(".") if n.isdigit()])
    return in_prefix(host, f"{cache}/{found[-1]}", windows) if found else ""


def _own_environment_has_torch(host: Host, python: str, windows: bool) -> bool:
    prefix = python.replace("\\", "/").rpartition("/")[0].rpartition("/")[0]
    if windows:
        return host.exists(f"{prefix}/Lib/site-packages/torch/version.py")
    listed = host.names(f"{prefix}/lib")
    folders = [name for name in (listed.value if isinstance(listed, Known) else []) if name.startswith("python3")]
    return any(host.exists(f"{prefix}/lib/{name}/site-packages/torch/version.py") for name in folders)
