"""The C++ compiler that nvcc would call. Asked only where there is a toolkit, and told from its path where that says enough."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.toolkit import HostCompiler, Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown

# nvcc's own variable first, then what torch.utils.cpp_extension hands to nvcc as -ccbin.
VARIABLES = ("NVCC_CCBIN", "NVCC_PREPEND_FLAGS", "CC")
GCC_LIBRARIES = ("/usr/lib/gcc/x86_64-linux-gnu", "/usr/lib/gcc/aarch64-linux-gnu", "/usr/lib/gcc/x86_64-redhat-linux")
# The Build Tools stand in the second place, whatever their year.
STUDIOS = ("C:/Program Files/Microsoft Visual Studio", "C:/Program Files (x86)/Microsoft Visual Studio")
VSWHERE = f"{STUDIOS[1]}/Installer/vswhere.exe"
TOOLSETS = "VC/Tools/MSVC"


@probe
def host_compiler(host: Host, machine: Machine, toolkits: Toolkits, torch: Torch) -> Fact[HostCompiler | None]:
    """One program is run at most, for its version; and only where there is a torch to build for."""
    del torch
    if not toolkits.current or not toolkits.current.nvcc:
        return Known(None, "no nvcc would call one")
    if machine.os == "windows":
        return _msvc(host)
    name, why = next(((value, name) for name in VARIABLES if (value := named(_value(host, name), name))), ("gcc", "PATH"))
    found = host.which(name) if "/" not in name else Known(name, why)
    if isinstance(found, Unknown):
        return Known(None, f"{name} is not on PATH")
    path = found.value
    real = host.real(path)
    kind, version = parse_path(real.value if isinstance(real, Known) else path)
    if not version and kind == "gcc" and path.startswith("/usr/bin/"):
        version = _only(host)
    if not version:
        answer = host.run(path, "-dumpfullversion", "-dumpversion") if kind == "gcc" else host.run(path, "--version")
        if isinstance(answer, Unknown):
            return answer
        version = parse_version(answer.value.out)
    return Known(HostCompiler(kind, path, version, why), path) if version else Unknown("it told no version", (path,))


def named(value: str, variable: str) -> str:
    """The compiler that a variable names; flags name one as ``-ccbin X``. A ``ccache gcc-12`` calls the second word."""
    if variable == "NVCC_PREPEND_FLAGS":
        found = re.search(r"(?:-ccbin|--compiler-bindir)[= ](\S+)", value)
        return found[1] if found else ""
    words = [word for word in value.split() if word.rpartition("/")[2] not in {"ccache", "sccache"}]
    return words[0] if words else ""


def parse_path(path: str) -> tuple[str, str]:
    """Gcc or clang, and the version where the name carries it: ``/usr/bin/x86_64-linux-gnu-gcc-12``, ``clang-17``."""
    name = path.rpartition("/")[2]
    kind = "clang" if "clang" in name else "gcc"
    versioned = re.search(r"(?:gcc|g\+\+|c\+\+|clang|clang\+\+)-(\d+(?:\.\d+)*)$", name)
    folder = re.search(r"/(?:llvm|gcc-toolset|devtoolset)-(\d+)/", path)
    return kind, versioned[1] if versioned else folder[1] if folder else ""


def parse_version(text: str) -> str:
    """``12.2.0`` of ``-dumpfullversion``, or of ``clang version 17.0.6 (...)``; empty for anything else."""
    found = re.match(r"\s*(?:.*\bversion\s+)?(\d+(?:\.\d+)*)", text)
    return found[1] if found else ""


def parse_toolset(text: str) -> str:
    """``14.40`` of ``14.40.33807`` or of a path that holds it; empty for anything else."""
    found = re.search(r"(?:^|MSVC[\\/])(14\.\d{1,2})(?:\.\d+)?", text.strip())
    return found[1] if found else ""


def _only(host: Host) -> str:
    """The version of the only gcc whose libraries are installed."""
    for folder in GCC_LIBRARIES:
        listed = host.names(folder)
        versions = [name for name in (listed.value if isinstance(listed, Known) else []) if name.isdigit()]
        if len(versions) == 1:
            return versions[0]
    return ""


def _msvc(host: Host) -> Fact[HostCompiler | None]:
    """The toolset of an open developer prompt, else the newest that Visual Studio has: that is what builds take."""
    active = parse_toolset(_value(host, "VCToolsVersion"))
    if active:
        return Known(HostCompiler("msvc", "", active, "VCToolsVersion"), "VCToolsVersion")
    found = host.which("cl")
    if isinstance(found, Known) and (version := parse_toolset(found.value)):
        return Known(HostCompiler("msvc", found.value, version, "PATH"), "PATH")
    found_toolsets = toolsets(host)
    if not found_toolsets:
        return Known(None, "no Visual Studio with C++ tools in the usual places")
    version, path = max(found_toolsets, key=lambda one: [int(part) for part in one[0].split(".")])
    return Known(HostCompiler("msvc", path, version, "the newest toolset of Visual Studio"), path)


def toolsets(host: Host) -> list[tuple[str, str]]:
    """Version and folder of every toolset of every Visual Studio; vswhere knows those in unusual places."""
    roots = [
        f"{studio}/{year}/{edition}"
        for studio in STUDIOS
        for year in _names(host, studio)
        if year.isdigit()
        for edition in _names(host, f"{studio}/{year}")
    ]
    if not roots and host.exists(VSWHERE):
        answer = host.run(VSWHERE, "-products", "*", "-prerelease", "-property", "installationPath", "-utf8")
        roots = answer.value.out.replace("\\", "/").split("\n") if isinstance(answer, Known) else []
    return [
        (version, f"{root.strip()}/{TOOLSETS}/{name}")
        for root in roots
        if root.strip()
        for name in _names(host, f"{root.strip()}/{TOOLSETS}")
        if (version := parse_toolset(name))
    ]


def _names(host: Host, folder: str) -> list[str]:
    listed = host.names(folder)
    return listed.value if isinstance(listed, Known) else []


def _value(host: Host, name: str) -> str:
    answer = host.variable(name)
    return (answer.value if isinstance(answer, Known) else None) or ""
