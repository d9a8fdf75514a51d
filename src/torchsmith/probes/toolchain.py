"""Every C++ compiler, what builds and what installs. Nothing is run: a version is told by a place or not at all."""

from __future__ import annotations

from torchsmith.engine.declare import detail
from torchsmith.host.base import Host
from torchsmith.model.facts.hardware import Program, Toolchain
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Packages
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.probes.host_compiler import parse_path, toolsets

COMPILERS = ("gcc", "g++", "c++", "clang", "clang++", "cl", "clang-cl", "icpx", "nvc++", "hipcc")
GNU = {"gcc", "g++", "c++", "clang", "clang++"}
BUILD = ("cmake", "ninja", "make", "ccache", "sccache", "git")
INSTALL = ("uv", "poetry", "pdm", "pixi", "conda", "mamba", "micromamba", "pipx", "nix")
CONTAINERS = ("docker", "podman", "apptainer", "singularity", "nvidia-ctk")
TOOLS = (*BUILD, *INSTALL, *CONTAINERS)


@detail
def toolchain(host: Host, machine: Machine, interpreter: Interpreter | Unknown, packages: Packages | Unknown) -> Fact[Toolchain]:
    """One question for all names, one look into each folder of PATH; on Windows also Visual Studio's toolsets."""
    answer = host.programs(*COMPILERS, *TOOLS)
    if isinstance(answer, Unknown):
        return answer
    found = [[str(part) for part in row] for row in answer.value if isinstance(row, list) and len(row) == 3]
    studio = toolsets(host) if machine.os == "windows" else []
    prefix = interpreter.prefix.rstrip("/\\") if isinstance(interpreter, Interpreter) else ""
    tools = []
    for name, path, real in found:
        if name in TOOLS:  # versioned doubles (cmake-3.25) are left out
            own = bool(prefix) and path.startswith((f"{prefix}/", f"{prefix}\\"))
            version = packages.version(name) if own and isinstance(packages, Packages) else None
            tools.append(Program(name, path, version or (_of_share(host, real) if name == "cmake" else "")))
    compilers = (*parse_compilers(found), *(Program("msvc", path, version) for version, path in studio))
    ordered = tuple(sorted(tools, key=lambda program: TOOLS.index(program.name)))
    return Known(Toolchain(compilers, ordered), "PATH, Visual Studio" if studio else "PATH")


def parse_compilers(rows: list[list[str]]) -> list[Program]:
    """Each compiler once, under the first of the names that lead to it: ``gcc``, ``c++`` and ``g++-12`` may be names of one."""
    stems = [(stem, row) for row in rows if (stem := _without_version(row[0])) in COMPILERS]
    found: dict[tuple[str, str], Program] = {}
    for stem, (name, path, real) in sorted(stems, key=lambda pair: COMPILERS.index(pair[0])):
        version = parse_path(real)[1] or parse_path(path)[1]
        kind = parse_path(real)[0] if stem in GNU else stem
        # Without a version, the C and the C++ driver of one folder are taken for one.
        place = real.replace("\\", "/").rpartition("/")[0]
        found.setdefault((kind, version or place), Program(name, path, version))
    return list(found.values())


def cmake_version(names: list[str]) -> str:
    """``3.25`` where a folder ``cmake-3.25`` stands alone among the names; empty otherwise."""
    versions = [name[6:] for name in names if name.startswith("cmake-") and name[6:].replace(".", "", 1).isdecimal()]
    return versions[0] if len(versions) == 1 else ""


def _without_version(name: str) -> str:
    stem, _, version = name.rpartition("-")
    return stem if version.replace(".", "").isdecimal() else name


def _of_share(host: Host, real: str) -> str:
    """CMake keeps its modules in ``share/cmake-<version>`` beside its ``bin``."""
    root = real.replace("\\", "/").rpartition("/")[0].rpartition("/")[0]
    listed = host.names(f"{root}/share")
    return cmake_version(listed.value) if isinstance(listed, Known) else ""
