"""python, python3 and pip as the user's shell finds them, and whether there is a torch behind them."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.install import PathProgram, PathPrograms
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_SHEBANG = pattern(r"#!\s*(?:/usr/bin/env\s+)?(\S*python[\d.]*)(?=\s|$)|'''exec'\s+[\"']?([^\"'\n]*?python[\d.]*)[\"']?\s")
_VERSION = pattern(r"^__version__\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]{1,100})", re.MULTILINE)


@probe
def path_programs(host: Host, machine: Machine, interpreter: Interpreter) -> Fact[PathPrograms]:
    """Nothing is run: the environment is told by the place of the program, or for pip by the first line of its script."""
    windows = machine.os == "windows"
    mine = {_real(host, interpreter.prefix)} | ({_real(host, interpreter.base_prefix)} if interpreter.kind == "system" else set())
    found = []
    for name in ("python", "python3", "pip"):
        path = host.which(name)
        if isinstance(path, Unknown):
            continue
        python = path.value
        if name == "pip" and not windows:
            python = interpreter_of(text_of(host.read(path.value, 4096)))
            if python and "/" not in python:
                named = host.which(python)
                python = named.value if isinstance(named, Known) else ""
        elif not windows and text_of(host.read(path.value, 2)) == "#!":
            python = ""  # a shim: pyenv, asdf, a module system
        prefix = prefix_of(host, python, windows) if python else ""
        if prefix:
            own = _real(host, prefix) in mine
            found.append(PathProgram(name, path.value, prefix, None if own else torch_in(host, prefix, windows), own))
    return Known(PathPrograms(tuple(found)), "PATH")


def _real(host: Host, path: str) -> str:
    real = host.real(path)
    return (real.value if isinstance(real, Known) else path).replace("\\", "/").rstrip("/").lower()


def interpreter_of(script: str) -> str:
    """The interpreter that a script names in its first lines; empty for another kind of program."""
    matched = _SHEBANG.match(script) or _SHEBANG.search(script[:200]) if script.startswith("#!") else None
    return (matched[1] or matched[2]) if matched else ""


def prefix_of(host: Host, python: str, windows: bool) -> str:
    """The prefix of an interpreter by its place: a venv keeps its own, a link into an installation leads there."""
    path = python.replace("\\", "/")
    folder = path.rpartition("/")[0]
    prefix = folder if windows and not folder.lower().endswith("/scripts") else folder.rpartition("/")[0]
    if host.exists(f"{prefix}/pyvenv.cfg") or host.exists(f"{prefix}/conda-meta") or windows:
        return prefix
    real = host.real(path)
    return real.value.rpartition("/")[0].rpartition("/")[0] if isinstance(real, Known) else ""


def torch_in(host: Host, prefix: str, windows: bool) -> str | None:
    """The version in a prefix's site-packages; None without a torch there."""
    if windows:
        folders = [f"{prefix}/Lib/site-packages"]
    else:
        listed = host.names(f"{prefix}/lib")
        names = [name for name in (listed.value if isinstance(listed, Known) else []) if name.startswith("python3")]
        folders = [f"{prefix}/lib/{name}/{place}" for name in names for place in ("site-packages", "dist-packages")]
        if prefix == "/usr":
            folders += [f"/usr/local/lib/{name}/dist-packages" for name in names]
    for folder in folders:
        version = _VERSION.search(text_of(host.read(f"{folder}/torch/version.py", 1 << 16)))
        if version:
            return version[1]
    return None
