"""Where installers here are told to take packages from: variables, pip's and uv's configuration, the project's files."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.host.redact import without_secrets
from torchsmith.model.facts.install import Index, Indexes
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Variables
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_LIMIT = 1 << 18
_VARIABLES = {
    "PIP_INDEX_URL": "index",
    "PIP_EXTRA_INDEX_URL": "extra",
    "PIP_FIND_LINKS": "links",
    "UV_INDEX_URL": "index",
    "UV_DEFAULT_INDEX": "index",
    "UV_EXTRA_INDEX_URL": "extra",
    "UV_INDEX": "extra",
    "UV_FIND_LINKS": "links",
}
_OPTIONS = {"index-url": "index", "i": "index", "extra-index-url": "extra", "find-links": "links", "f": "links"}
_TOML_URL = pattern(r"""^\s*(?:url|index-url|extra-index-url|find-links)\s*=\s*(.+)$""", re.MULTILINE)
_TOML_TABLE = pattern(r"^\s*\[{1,2}([^\]\n]+)\]{1,2}\s*(?:#.*)?$", re.MULTILINE)
_QUOTED = pattern(r"""["']((?:https?|file)://[^"'\s]+|/[^"'\s]*)["']""")
_OPTION = pattern(r"(?:--(index-url|extra-index-url|find-links)|-(i|f))(?:\s+|=)(\S+)")
_TABLES = ("tool.uv", "tool.poetry.source", "tool.pdm.source", "tool.pixi.pypi-options", "tool.uv.index", "tool.uv.pip")


@probe
def indexes(host: Host, machine: Machine, interpreter: Interpreter | Unknown, variables: Variables) -> Fact[Indexes]:
    """Every place, in the order in which the user is likely to know of it; nothing is asked of any index."""
    found = []
    for name, kind in _VARIABLES.items():
        found += [Index(url, kind, name) for url in _split(variables.get(name) or "")]
    folders = host.folders()
    places = folders.value if isinstance(folders, Known) else {"home": "", "cwd": ""}
    prefix = interpreter.prefix if isinstance(interpreter, Interpreter) else ""
    for path in pip_files(machine.os, places["home"], prefix, host):
        found += parse_pip(text_of(host.read(path, _LIMIT)), path)
    for path in uv_files(machine.os, places["home"], places["cwd"], host):
        found += parse_toml(text_of(host.read(path, _LIMIT)), path, everywhere=True)
    listed = host.names(places["cwd"])
    names = listed.value if isinstance(listed, Known) else []
    if "pyproject.toml" in names:
        found += parse_toml(text_of(host.read(f"{places['cwd']}/pyproject.toml", _LIMIT)), f"{places['cwd']}/pyproject.toml")
    for name in [n for n in names if n.startswith(("requirements", "constraints")) and n.endswith((".txt", ".in"))][:10]:
        found += parse_requirements(text_of(host.read(f"{places['cwd']}/{name}", _LIMIT)), f"{places['cwd']}/{name}")
    return Known(
        Indexes(tuple(dict.fromkeys(found)), variables.get("UV_TORCH_BACKEND") or ""), "variables and configuration files"
    )


def pip_files(system: str, home: str, prefix: str, host: Host) -> tuple[str, ...]:
    """Pip's configuration files for a system, the widest first."""
    own = host.variable("PIP_CONFIG_FILE")
    extra = (own.value,) if isinstance(own, Known) and own.value else ()
    if system == "windows":
        data = host.variable("APPDATA")
        roaming = (data.value if isinstance(data, Known) else None) or f"{home}/AppData/Roaming"
        return ("C:/ProgramData/pip/pip.ini", f"{home}/pip/pip.ini", f"{roaming}/pip/pip.ini", f"{prefix}/pip.ini", *extra)
    user = (f"{home}/Library/Application Support/pip/pip.conf",) if system == "macos" else ()
    config = host.variable("XDG_CONFIG_HOME")
    base = (config.value if isinstance(config, Known) else None) or f"{home}/.config"
    paths = (
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        *user,
        f"{home}/.pip/pip.conf",
        f"{base}/pip/pip.conf",
        f"{prefix}/pip.conf",
    )
    return (*paths, *extra)


def uv_files(system: str, home: str, cwd: str, host: Host) -> tuple[str, ...]:
    """Uv's configuration files for a system."""
    if system == "windows":
        return (f"{home}/AppData/Roaming/uv/uv.toml", "C:/ProgramData/uv/uv.toml", f"{cwd}/uv.toml")
    config = host.variable("XDG_CONFIG_HOME")
    base = (config.value if isinstance(config, Known) else None) or f"{home}/.config"
    return ("/etc/uv/uv.toml", f"{base}/uv/uv.toml", f"{cwd}/uv.toml")


def parse_pip(text: str, origin: str) -> list[Index]:
    """Indexes of a pip.conf: ``key = value``, the value going on over indented lines."""
    found: list[Index] = []
    kind = ""
    for line in text.splitlines():
        if line.lstrip().startswith(("#", ";")) or not line.strip():
            continue
        if line[0].isspace():
            value = line
        else:
            key, _, value = line.partition("=") if "=" in line else line.partition(":")
            kind = _OPTIONS.get(key.strip().lower().replace("_", "-"), "")
        if kind:
            found += [Index(url, kind, origin) for url in _split(value)]
    return found


def parse_toml(text: str, origin: str, everywhere: bool = False) -> list[Index]:
    """Index URLs of uv.toml, or of the tables of pyproject.toml that name indexes. Lines are read, nothing is resolved."""
    tables = [(0, ""), *((m.end(), m[1].strip().strip("\"'")) for m in _TOML_TABLE.finditer(text))]
    found = []
    for matched in _TOML_URL.finditer(text):
        table = next(name for start, name in reversed(tables) if start <= matched.start())
        if everywhere or table in _TABLES:
            kind = "links" if "find-links" in matched[0] else "extra"
            found += [Index(without_secrets(url), kind, origin) for url in _QUOTED.findall(matched[1])]
    return found


def parse_requirements(text: str, origin: str) -> list[Index]:
    """Options of a requirements file."""
    lines = (line.strip() for line in text.splitlines())
    options = (m for line in lines if line.startswith("-") for m in _OPTION.finditer(line))
    return [Index(without_secrets(m[3].strip("\"'")), _OPTIONS[m[1] or m[2]], origin) for m in options]


def _split(value: str) -> list[str]:
    """The URLs in a variable or option; uv allows ``name=url``."""
    urls = (word.partition("=")[2] if re.match(r"[\w.-]+=\w+://", word) else word for word in value.split())
    return [without_secrets(url) for url in urls]
