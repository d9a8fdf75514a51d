"""Clues -> facts about the machine, its Python, what is installed, and torch."""

from __future__ import annotations

import re

from torchsmith.intake import pythons
from torchsmith.intake.clue import Clue
from torchsmith.knowledge import torch_builds
from torchsmith.model.facts.install import CompanionBuild, CompanionBuilds
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages, Target, Variables
from torchsmith.model.facts.torch import Torch, TorchGpuCode
from torchsmith.model.gpu_code import Group
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import at_least, cuda_of_label, local_label, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.intake.clue import Clues

UNNAMED = "of unknown version"
"""Stands for torch's version where the text proves what it is but never says which; it compares as no version at all."""

_DISTROS = ("ubuntu", "debian", "centos", "fedora", "red hat", "rocky", "almalinux", "arch", "opensuse", "nixos", "amazon", "pop")
# conda's own names of what pip calls otherwise, and the packages of it that are Python distributions.
_CONDA_NAMES = {"pytorch": "torch", "pytorch-gpu": "torch"}
_PYTHON_PACKAGES = pattern(
    r"torch\w*|numpy|triton|transformers|accelerate|onnxruntime(?:-gpu)?|vllm|xformers|flash-attn|bitsandbytes"
)


def facts(clues: Clues) -> dict[str, Fact[Any]]:
    """What the clues state; a fact that they do not state is left out."""
    found: dict[str, Fact[Any]] = {}
    machine = _machine(clues)
    if machine:
        found["machine"] = machine
    interpreter = _interpreter(clues, machine.value if machine else None)
    if interpreter:
        found["target"] = Known(Target(interpreter.value.executable, "pasted text"), interpreter.source)
        found["interpreter"] = interpreter
    packages = _packages(clues)
    if packages:
        found["packages"] = packages
        found["companion_builds"] = Known(CompanionBuilds(_companions(packages.value)), packages.source)
    if interpreter or packages:
        found["environment"] = _environment(clues, packages.source if packages else interpreter.source if interpreter else "")
    torch = _torch(clues, machine.value if machine else None)
    if torch:
        found["torch"] = torch
    code = _gpu_code(clues)
    if code:
        found["torch_gpu_code"] = code
    values = {clue.value[0]: clue.value[1] for clue in reversed(tuple(clues.of("variable")))}
    first = clues.first("variable")
    if first:
        found["variables"] = Known(Variables(values), first.source)
    return found


def _machine(clues: Clues) -> Known[Machine] | None:
    said = clues.first("os") or clues.first("platform") or clues.first("jetson-word", "wsl-word") or clues.first("os-word")
    if said is None:
        return None
    platform = str(clues.value("platform") or "")
    name = str(clues.value("os") or "")
    system = _system(name or platform) or (str(clues.value("os-word") or "linux") if said.about != "os-word" else said.value)
    name = name or (str(clues.value("distro-word") or "") if system == "linux" else "")
    kernel = re.match(r"Linux-(?P<release>\S{1,120}?)-(?:x86_64|aarch64|ppc64le)(?:-|$)", platform)
    build = re.search(r"\b10\.0\.(\d{4,6})\b", f"{platform} {name}")
    release = kernel["release"] if kernel else ""
    distro = next((word for word in _DISTROS if word in name.lower()), "")
    version = re.search(r"\b(\d{1,2}(?:\.\d{1,2}){0,2})\b", name)
    libc = re.fullmatch(r"glibc-(\d{1,2}\.\d{1,3}(?:\.\d{1,2})?)", str(clues.value("libc") or ""))
    linux = system == "linux"
    if linux and not release and clues.first("jetson-word"):
        release = "tegra"
    wsl = _wsl(release) or (clues.value("wsl-word") if not release else None)
    return Known(
        Machine(
            os=system,
            arch=_arch(clues, f"{name} {platform}"),
            kernel=release,
            distro=distro.replace("red hat", "rhel") if linux else "",
            distro_version=version[1] if version and linux else "",
            distro_name=name if linux else "",
            libc="glibc" if libc and linux else "",
            libc_version=libc[1] if libc and linux and _asks_the_libc(clues) else "",
            wsl=wsl if linux else None,
            windows_build=int(build[1]) if build and system == "windows" else None,
        ),
        said.source,
    )


def _system(said: str) -> str:
    low = said.lower()
    if "windows" in low or re.match(r"win(?:7|8|10|11)\b", low):
        return "windows"
    if "macos" in low or "darwin" in low or low.startswith("mac os"):
        return "macos"
    return "linux" if low else ""


def _arch(clues: Clues, said: str) -> str:
    if re.search(r"aarch64|arm64|tegra", said) or (clues.first("jetson-word", "arch-word") and "x86_64" not in said):
        return "aarch64"
    return "x86_64"


def _wsl(kernel: str) -> int | None:
    """1 or 2 from the kernel release, as the machine probe tells it."""
    if "microsoft" not in kernel.lower():
        return None
    return 1 if "-Microsoft" in kernel and kernel.startswith("4.4.") else 2


def _asks_the_libc(clues: Clues) -> bool:
    """Before Python 3.8 ``platform.libc_ver`` told the oldest glibc that the interpreter needs, not the one that is there."""
    python = re.match(r"\d\.\d{1,2}", str(clues.value("python") or ""))
    return bool(python) and at_least(python[0] if python else "", "3.8")


def _interpreter(clues: Clues, machine: Machine | None) -> Known[Interpreter] | None:
    said = clues.first("python") or _conda_python(clues) or clues.first("python-word")
    version = re.match(r"(\d\.\d{1,2}(?:\.\d{1,3})?)(\w*)", str(said.value)) if said else None
    if said is None or version is None:
        return None
    bits = 32 if "32-bit runtime" in str(said.value) or clues.first("bits-word") else 64
    system = machine.os if machine else "linux"
    arch = machine.arch if machine else "x86_64"
    value = Interpreter(
        executable=str(clues.value("executable") or "python"),
        version=version[1],
        prefix=pythons.prefix(clues),
        base_prefix="",
        bits=bits,
        machine={"windows": "AMD64"}.get(system, arch) if bits == 64 else "x86",
        platform={"windows": "win32", "macos": "darwin"}.get(system, "linux"),
        kind=pythons.kind(clues),
        search_path=(),
        site_packages=(),
        banner=str(said.value)[:200],
    )
    return Known(value, said.source)


def _conda_python(clues: Clues) -> Clue | None:
    """The record of Python itself in a list of conda's."""
    record = next((clue for clue in clues.of("conda") if clue.value[0] == "python" and not clue.value[4]), None)
    return Clue("python", record.value[1], record.form, record.line) if record else None


def _environment(clues: Clues, source: str) -> Known[Environment]:
    """Conda changes what conda installed; a torch that pip put into a conda environment is changed by pip."""
    of_conda = any(name in _CONDA_NAMES and not pip for name, _, _, _, pip in (clue.value for clue in clues.of("conda")))
    return Known(Environment(pythons.kind(clues), "conda" if of_conda else "pip", "pasted text"), source)


def _packages(clues: Clues) -> Known[Packages] | None:
    first = clues.first("package") or clues.first("conda")
    if first is None:
        return None
    installed: dict[str, Package] = {}
    for clue in clues.of("package"):
        name, version = clue.value
        installed.setdefault(name, Package(name, version, ""))
    records: dict[str, Package] = {}
    for clue in clues.of("conda"):
        name, version, build, channel, pip = clue.value
        plain = _CONDA_NAMES.get(name, name)
        if pip or _PYTHON_PACKAGES.fullmatch(plain):
            installed.setdefault(plain, Package(plain, version, "", "", "" if pip else "conda", build, channel))
        if not pip:
            records.setdefault(name, Package(name, version, "", "", "conda", build, channel))
    return Known(Packages(tuple(installed.values()), (), tuple(records.values())), _listed(clues, first))


def _listed(clues: Clues, first: Clue) -> str:
    """The lines that the list goes over: which of them names a package is not kept."""
    last = max(clue.line for clue in clues.of("package", "conda") if clue.form == first.form)
    return f"{first.form}, lines {first.line}-{last}" if last > first.line else first.source


def _companions(packages: Packages) -> tuple[CompanionBuild, ...]:
    """Torchvision and torchaudio, their build by the label of the version or by conda's build string, else unknown."""
    found = []
    for package in (packages.get("torchvision"), packages.get("torchaudio")):
        if package is None:
            continue
        label = local_label(package.version)
        cuda = cuda_of_label(label)
        cpu = label == "cpu" or "cpu" in package.conda_build
        found.append(CompanionBuild(package.name, package.version, "cuda" if cuda else "cpu" if cpu else "", cuda))
    return tuple(found)


def _torch(clues: Clues, machine: Machine | None) -> Known[Torch | None] | None:
    absent = clues.first("torch-absent")
    said = clues.first("torch-version") or next((c for c in clues.of("package") if c.value[0] == "torch"), None)
    record = next((c for c in clues.of("conda") if c.value[0] in _CONDA_NAMES and not c.value[4]), None)
    said = said or record
    if said is None:
        if absent:
            return Known(None, absent.source)
        return _unnamed(clues)
    version = said.value if isinstance(said.value, str) else said.value[1]
    kind, cuda = _kind(clues, version, record.value[2] if record and record.value[1] in version else "", machine)
    if not kind:
        return None
    label = local_label(version)
    build = (
        label if re.fullmatch(r"cu\d{2,3}|cpu|xpu|rocm[\d.]+", label) else f"cu{minor(cuda).replace('.', '')}" if cuda else kind
    )
    hip = clues.value("torch-hip") or (label.removeprefix("rocm") if label.startswith("rocm") else None)
    return Known(Torch("", version, kind, build, cuda, hip, debug=bool(clues.value("torch-debug"))), said.source)


def _unnamed(clues: Clues) -> Known[Torch | None] | None:
    """A torch of which only the kind is told: by its arch list, or by "not compiled with CUDA"."""
    listed, compiled = clues.first("arch-list"), clues.first("torch-cuda")
    if listed:
        return Known(Torch("", UNNAMED, "cuda", "", clues.value("torch-cuda")), listed.source)
    if compiled and compiled.value is None:
        return Known(Torch("", UNNAMED, "cpu", "cpu"), compiled.source)
    return None


def _kind(clues: Clues, version: str, conda_build: str, machine: Machine | None) -> tuple[str, str | None]:
    """Kind and CUDA: what torch says, else its label, its conda build string, what PyPI serves under this name; else nothing."""
    label = local_label(version)
    compiled = clues.first("torch-cuda")
    if clues.first("torch-hip") or label.startswith("rocm"):
        return "rocm", None
    if clues.first("torch-xpu") or label.startswith("xpu"):
        return "xpu", None
    if compiled and compiled.value:
        return "cuda", str(compiled.value)
    if compiled:
        return "cpu", None
    of_label = cuda_of_label(label)
    if of_label:
        return "cuda", of_label
    built = re.search(r"cuda(?P<cuda>\d{1,2}\.\d{1,2}|\d{3})", conda_build)
    if built:
        return "cuda", built["cuda"] if "." in built["cuda"] else f"{built['cuda'][:-1]}.{built['cuda'][-1]}"
    if label == "cpu" or "cpu" in conda_build:
        return "cpu", None
    if clues.first("arch-list"):
        return "cuda", None
    default = torch_builds.default_on_pypi(version, machine.platform) if machine and not label and not conda_build else None
    return (default.kind, default.cuda) if default else ("", None)


def _gpu_code(clues: Clues) -> Known[TorchGpuCode] | None:
    """The arch list that torch printed: its own declaration, not the binary's word."""
    said: Clue | None = clues.first("arch-list")
    if said is None:
        return None
    sass = tuple(arch for arch in said.value if arch.startswith("sm_"))
    ptx = tuple(arch for arch in said.value if arch.startswith("compute_"))
    return Known(TorchGpuCode("", (Group(sass, ptx, 1),), sass, ptx, "declared"), said.source)
