"""
# The C++ compiler is newer than this toolkit accepts

## What it means
nvcc hands the C++ part of a file to gcc, clang or Microsoft's compiler, and each toolkit refuses those that are newer than it
knows: "unsupported GNU version! gcc versions later than 12 are not supported", "unsupported Microsoft Visual Studio version".

## How it is told
The compiler that nvcc would call (NVCC_CCBIN, CC, else gcc on PATH; the newest toolset of Visual Studio) against the limit in
the toolkit's host_config.h.

## What to do
Only if you build extensions: name an older compiler (CC, CXX, NVCC_CCBIN; on Windows an older toolset, `vcvarsall x64
-vcvars_ver=14.xx`), or use a newer toolkit.

## What not to do
`-allow-unsupported-compiler`: it silences the check, and errors in the standard library's headers follow.

## Sources
crt/host_config.h of each toolkit (`torchsmith facts cuda_toolkits`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import toolkits as table
from torchsmith.model.action import Command, SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.toolkit import HostCompiler, Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import key, major
from torchsmith.rules.toolkit.shared import RUNS, active, named

TOOLSETS = ("Get-ChildItem", r"C:\Program Files*\Microsoft Visual Studio\*\*\VC\Tools\MSVC")
"""What lists the installed toolsets of every edition: no number is one that a machine must have."""
COMPILERS = (("CC", "gcc"), ("CXX", "g++"), ("NVCC_CCBIN", "g++"))


@rule("host-compiler-too-new")
def check(toolkits: Toolkits, host_compiler: HostCompiler, torch: Torch) -> Iterator[Finding]:
    """Silent about compilers that are too old, and about toolkits that the table does not know."""
    toolkit = toolkits.current if torch.kind == "cuda" else None
    row = table.get(toolkit.version) if toolkit else None
    if toolkit is None or row is None:
        return
    most = limit(host_compiler, row)
    if most is None or number(host_compiler) <= most:
        return
    name = {"msvc": "Visual C++"}.get(host_compiler.name, host_compiler.name)
    allowed = str(most)
    accepted = f"14.{most - 1900} at most" if host_compiler.name == "msvc" else f"{most} at most"
    if host_compiler.name == "msvc":
        allowed = f"older than 14.{most - 1900 + 1}"
        actions: tuple[Command | SetVariable, ...] = (Command(TOOLSETS),)
    else:
        plus = {"gcc": "g++", "clang": "clang++"}[host_compiler.name]
        actions = (
            SetVariable("CC", f"{host_compiler.name}-{most}"),
            SetVariable("CXX", f"{plus}-{most}"),
            SetVariable("NVCC_CCBIN", f"{plus}-{most}"),
        )
    shown = f"{host_compiler.path or name} ({host_compiler.why})"
    yield Finding(
        Severity.NOTE,
        "toolkit",
        f"{name} {host_compiler.version} is newer than {named(toolkit)} accepts: {accepted}",
        evidence=(active(toolkits, toolkit), Proof("host_compiler", f"{shown}: {host_compiler.version}")),
        remedies=(
            Remedy(
                f"To build extensions, let nvcc use {name} {allowed}",
                "the folders are the toolsets that are here: `vcvarsall x64 -vcvars_ver=14.xx` takes one of them"
                if host_compiler.name == "msvc"
                else "install it if it is not here",
                Safety.DISPLAY_ONLY,
                actions,
            ),
        ),
        wont_help=(RUNS, WontHelp("-allow-unsupported-compiler", "errors inside the standard library's headers follow")),
    )


def number(compiler: HostCompiler) -> int:
    """The number that host_config.h compares: the major version, for Microsoft _MSC_VER (1940 for toolset 14.40)."""
    parts = key(compiler.version)
    if compiler.name == "msvc":
        return 1900 + parts[1] if len(parts) > 1 else 0
    return major(compiler.version)


def limit(compiler: HostCompiler, row: table.Toolkit) -> int | None:
    """The newest that the toolkit accepts; None where the table does not say."""
    if compiler.name == "msvc":
        return row.msc_ver_max
    text = row.gcc_max if compiler.name == "gcc" else row.clang_max
    return major(text) if text else None


@told("host-compiler-too-new")
def answer(seen: Seen) -> Advice:
    """The newest compiler that nvcc accepts: in its own words, else by its version."""
    version = seen.captured("toolkit", "toolkit-named")
    row = table.get(version) if version else None
    most = seen.captured("most", "host-compiler-refused") or (row.gcc_max if row and row.gcc_max else "")
    microsoft = seen.os == "windows" or any(seen.captured(group) for group in ("last", "stl", "msvc", "cl"))
    if microsoft:
        limit_of = f"older than 14.{row.msc_ver_max - 1900 + 1}" if row and row.msc_ver_max else "that this CUDA accepts"
        remedy = Remedy(
            f"Build with a Visual C++ toolset {limit_of}",
            "the folders are the toolsets that are here: `vcvarsall x64 -vcvars_ver=14.xx` takes one of them; the installer of"
            " Visual Studio offers older ones among the single components",
            Safety.DISPLAY_ONLY,
            actions=(Command(TOOLSETS),),
        )
    else:
        number_of = most.partition(".")[0]
        remedy = Remedy(
            f"Build with gcc {number_of or 'of an older version'}",
            "install it beside the newer one",
            Safety.DISPLAY_ONLY,
            actions=(
                *_gcc(seen, number_of),
                *(SetVariable(name, f"{tool}-{number_of}") for name, tool in COMPILERS if number_of),
            ),
        )
    return Advice(
        "toolkit",
        f"The C++ compiler is newer than nvcc accepts{f' (gcc {most} at most)' if most and not microsoft else ''}",
        remedies=(
            remedy,
            Remedy("Or use a newer toolkit of torch's CUDA major", "each accepts newer compilers", Safety.DISPLAY_ONLY),
        ),
        wont_help=(
            WontHelp("-allow-unsupported-compiler", "errors inside the standard library's headers follow, or wrong code"),
            WontHelp("Reinstalling torch or the driver", "neither is asked while compiling"),
        ),
    )


def _gcc(seen: Seen, number_of: str) -> tuple[Command, ...]:
    """The package of an older gcc, where the distribution keeps several."""
    machine = seen.value("machine")
    debian = machine is not None and machine.kin({"debian", "ubuntu"})
    return (Command(("sudo", "apt-get", "install", f"gcc-{number_of}", f"g++-{number_of}")),) if debian and number_of else ()
