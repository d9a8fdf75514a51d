"""Where the loader looks for libraries on this machine."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.libraries import LoaderPaths
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.system import Cpu
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.paths import joined, normal
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.probes.cpu import CPUINFO
from torchsmith.probes.cpu import parse as parse_cpu

_VARIABLE = pattern(r"\$(?:(ORIGIN|LIB|PLATFORM)|\{(ORIGIN|LIB|PLATFORM)\})")


PRELOAD = "/etc/ld.so.preload"
_SHORT = 1 << 16
GLIBC_WITH_HWCAPS, GLIBC_WITHOUT_LEGACY = (2, 33), (2, 37)


@probe
def loader_paths(
    host: Host, machine: Machine, interpreter: Interpreter, torch: Torch, cpu: Cpu | Unknown | None
) -> Fact[LoaderPaths | None]:
    """Read the loader's variables; asked only where there is a torch."""
    if machine.os == "linux":
        return linux_paths(host, machine, interpreter.executable, cpu if isinstance(cpu, Cpu) else None)
    if machine.os == "windows":
        asked = {name: host.variable(name) for name in ("SystemRoot", "PATH")}
        values = {name: (fact.value if isinstance(fact, Known) else None) or "" for name, fact in asked.items()}
        return Known(parse_windows(values["SystemRoot"] or "C:/Windows", values["PATH"], interpreter, torch), "SystemRoot, PATH")
    return Known(None, f"no simulation of the {machine.os} loader")


def linux_paths(host: Host, machine: Machine, program: str, cpu: Cpu | None) -> Known[LoaderPaths]:
    """Where the loader looks for what ``program`` asks for; without a ``cpu`` this machine's is taken."""
    if cpu is None and machine.arch == "x86_64":
        cpu = parse_cpu(text_of(host.read(CPUINFO, 1 << 13)))
    folders = host.folders()
    cwd = folders.value["cwd"] if isinstance(folders, Known) else ""
    asked = {name: host.variable(name) for name in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
    values = {name: (fact.value if isinstance(fact, Known) else None) or "" for name, fact in asked.items()}
    if "$" in values["LD_LIBRARY_PATH"]:
        real = host.real(program)
        origin = (real.value if isinstance(real, Known) else program).rpartition("/")[0]
        values["LD_LIBRARY_PATH"] = expanded(values["LD_LIBRARY_PATH"], origin, platform=platform_of(machine, cpu))
    preload = f"{values['LD_PRELOAD']} {text_of(host.read(PRELOAD, _SHORT))}"
    paths = parse(values["LD_LIBRARY_PATH"], preload, cwd, machine.arch)
    source = "LD_LIBRARY_PATH, LD_PRELOAD"
    if machine.libc == "musl":
        listed = text_of(host.read(f"/etc/ld-musl-{machine.arch}.path", _SHORT)).replace("\n", ":").split(":")
        default = tuple(filter(None, listed)) or ("/lib", "/usr/local/lib", "/usr/lib")
        return Known(replace(paths, default=default, musl=True), source)
    return Known(replace(paths, hwcaps=hwcaps(machine, cpu), platform=platform_of(machine, cpu)), source)


def expanded(text: str, origin: str, lib: str = "", platform: str = "") -> str:
    """The text of a search path with its variables filled in, those that are known."""
    values = {"ORIGIN": origin, "LIB": lib, "PLATFORM": platform}
    return _VARIABLE.sub(lambda m: values[m[1] or m[2]] or m[0], text)


def platform_of(machine: Machine, cpu: Cpu | None) -> str:
    """``$PLATFORM``: the kernel's word for the processor, but for Intel's newer ones (sysdeps/x86/cpu-features.c)."""
    return "haswell" if cpu and cpu.level >= 3 and "Intel" in cpu.model else machine.arch


def hwcaps(machine: Machine, cpu: Cpu | None) -> tuple[str, ...]:
    """The sub-folders that this glibc searches first in each folder, in order.

    Since 2.33 those of the microarchitecture level; up to 2.36 also every combination of the older names
    (elf/dl-hwcaps.c). The names of other processors than x86-64 are not told apart.
    """
    version = tuple(int(part) for part in machine.libc_version.split(".") if part.isdigit())
    if cpu is None or machine.libc != "glibc" or machine.arch != "x86_64" or not version:
        return ()
    found = [f"glibc-hwcaps/x86-64-v{level}" for level in range(cpu.level, 1, -1)] if version >= GLIBC_WITH_HWCAPS else []
    if version < GLIBC_WITHOUT_LEGACY:
        platform = platform_of(machine, cpu)
        words = ["tls", platform, *(["avx512_1"] if platform == "haswell" and cpu.level >= 4 else []), "x86_64"]
        found += ["/".join(word for word, chosen in zip(words, choice, strict=True) if chosen) for choice in _choices(len(words))]
    return tuple(dict.fromkeys(found))


def _choices(count: int) -> list[tuple[bool, ...]]:
    """Every choice among so many, but for none of them; the first counts most, as the digits of a number do."""
    return [tuple(number >> at & 1 == 1 for at in reversed(range(count))) for number in range((1 << count) - 1, 0, -1)]


def parse(library_path: str, preload: str, cwd: str, arch: str) -> LoaderPaths:
    """The paths of a Linux machine; an empty entry of LD_LIBRARY_PATH is the current folder, both ``:`` and ``;`` divide."""
    entries = library_path.replace(";", ":").split(":") if library_path else []
    default = [f"{root}/{arch}-linux-gnu" for root in ("/lib", "/usr/lib")] + ["/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    return LoaderPaths(
        library_path=tuple(dict.fromkeys(joined(cwd, entry or ".") for entry in entries)),
        preload=tuple(preload.replace(":", " ").split()),
        default=tuple(default),
        cwd=cwd,
    )


def parse_windows(root: str, path: str, interpreter: Interpreter, torch: Torch) -> LoaderPaths:
    r"""The folders of a Windows process: that of torch's DLLs, of python.exe, those that torch adds, System32.

    torch adds ``Library\bin`` and ``bin`` of the environment and of its base; a DLL's own folder comes first.
    """
    system = f"{normal(root)}/System32"
    prefix, base = normal(interpreter.prefix), normal(interpreter.base_prefix)
    program = normal(interpreter.executable).rpartition("/")[0] if prefix == base else base
    added = (f"{normal(torch.folder)}/lib", program, f"{prefix}/Library/bin", f"{base}/Library/bin", f"{prefix}/bin")
    return LoaderPaths(
        library_path=tuple(dict.fromkeys(normal(entry) for entry in path.split(";") if entry.strip())),
        default=tuple(dict.fromkeys((*added, system))),
        system=system,
    )
