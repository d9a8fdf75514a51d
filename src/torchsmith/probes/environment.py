"""Which kind of environment the interpreter lives in, and which manager is to change it."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.python import Environment, Interpreter, Target
from torchsmith.model.known import Fact, Known


@probe
def environment(host: Host, target: Target, interpreter: Interpreter) -> Fact[Environment]:
    """The project's own files decide first, then marks in the environment, then what is at hand (uv without pip)."""
    folders = host.folders()
    cwd = folders.value["cwd"] if isinstance(folders, Known) else ""
    prefix = interpreter.prefix
    listed = host.names(cwd)
    names = set(listed.value) if isinstance(listed, Known) else set()
    project = cwd if _belongs(prefix, cwd, target) else ""
    pyproject = text_of(host.read(f"{cwd}/pyproject.toml")) if project and "pyproject.toml" in names else ""
    pyvenv = text_of(host.read(f"{prefix}/pyvenv.cfg", 1 << 16))
    kind, manager = tell(interpreter.kind, prefix, names if project else set(), pyproject, pyvenv)
    if manager == "conda" and not _conda_torch(host, prefix):
        manager = "pip"  # torch from wheels: conda's own copy beside it would be a second one
    if manager == "pip" and not _has_pip(host, interpreter):
        manager = "uv"
    changeable, why_not = True, ""
    if interpreter.externally_managed:
        changeable, why_not = False, "its Python belongs to the operating system (EXTERNALLY-MANAGED)"
    elif kind == "conda" and host.exists(f"{prefix}/condabin"):
        changeable, why_not = False, "this is conda's base environment, which conda itself runs in"
    elif not host.writable(interpreter.site_packages[0] if interpreter.site_packages else prefix):
        changeable, why_not = False, "this user may not write to it"
    return Known(Environment(kind, manager, target.found_by, project, changeable, why_not), f"{prefix}/pyvenv.cfg, project files")


def tell(kind: str, prefix: str, names: set[str], pyproject: str, pyvenv: str) -> tuple[str, str]:
    """Kind and manager from the interpreter's kind, its prefix, the names in the project's folder and two texts."""
    if "/pipx/venvs/" in prefix.replace("\\", "/"):
        return "pipx", "pipx"
    if ".pixi/envs" in prefix.replace("\\", "/"):
        return "pixi", "pixi"
    if prefix.startswith("/nix/store"):
        return "nix", "nix"
    if kind == "conda":
        return "conda", "conda"
    if "poetry.lock" in names or "[tool.poetry]" in pyproject:
        return "poetry", "poetry"
    if "pdm.lock" in names or "[tool.pdm" in pyproject:
        return "pdm", "pdm"
    if "uv.lock" in names or "[tool.uv" in pyproject:
        return "uv", "uv-project"
    if kind == "venv" and any(line.partition("=")[0].strip() == "uv" for line in pyvenv.splitlines()):
        return "venv", "uv"
    return kind, "pip"


def _belongs(prefix: str, cwd: str, target: Target) -> bool:
    """Whether the environment is that of the project in the current folder."""
    return bool(cwd) and (prefix.startswith(f"{cwd}/") or target.found_by == "project in this folder")


def _conda_torch(host: Host, prefix: str) -> bool:
    names = host.names(f"{prefix}/conda-meta")
    return isinstance(names, Known) and any(name.startswith(("pytorch-", "libtorch-")) for name in names.value)


def _has_pip(host: Host, interpreter: Interpreter) -> bool:
    return any(host.exists(f"{folder}/pip/__init__.py") for folder in (*interpreter.site_packages, interpreter.stdlib))
