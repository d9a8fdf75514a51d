"""``--assume KEY=VALUE``: facts go in where probes go in, and show the assumption as their source.

One mechanism for what-if questions, for planning for another machine, for support, and for tests.
"""

from __future__ import annotations

from torchsmith.app import surroundings
from torchsmith.knowledge import drivers
from torchsmith.knowledge import gpus as table
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.gpu import Device, Driver, Gpus, Libcuda, NvidiaLibraries, Nvml, PciDevices
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.facts.torch import Candidate, Torch, TorchImport
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace
from torchsmith.model.versions import cuda_of_label, key, local_label
from torchsmith.probes.variables import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torchsmith.model.known import Fact

KEYS = ("gpu", "driver", "os", "arch", "python", "glibc", "toolkit", "torch", "cpu", "ram", "container", "variable")
REPEATED = frozenset({"gpu", "variable"})
MACHINE_KEYS = frozenset({"os", "arch", "glibc"})
SYSTEMS = ("linux", "windows", "wsl", "macos")
ARCHES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
PLATFORMS = {"linux": "linux", "windows": "win32", "macos": "darwin"}


def facts(items: Sequence[str], machine: Machine | None = None) -> dict[str, Fact[Any]]:
    """The assumed facts by name.

    Args:
        items: ``KEY=VALUE`` as given.
        machine: this machine, where the system itself is not assumed.

    Raises:
        UsageError: an unknown key or a value that cannot be.

    """
    given: dict[str, list[str]] = {}
    for item in items:
        name, sign, value = item.partition("=")
        name = name.strip().lower()
        if not sign or name not in KEYS or not value.strip():
            raise UsageError(f"`--assume {item}` is not KEY=VALUE with a key among {', '.join(KEYS)}")
        given.setdefault(name, []).append(value.strip())
    for name, values in given.items():
        if name not in REPEATED and len(values) > 1:
            raise UsageError(f"`--assume {name}` is given {len(values)} times; only {' and '.join(sorted(REPEATED))} may be")
    single = {name: values[0] for name, values in given.items() if name not in REPEATED}
    system = _machine(single, machine)
    assumed: dict[str, Fact[Any]] = {}
    if MACHINE_KEYS & set(single):
        assumed["machine"] = Known(system, _source(single, *MACHINE_KEYS))
    if "gpu" in given or "driver" in single:
        assumed |= _stack(given.get("gpu"), single.get("driver"), system)
    if "python" in single:
        source = f"assumed: python={single['python']}"
        assumed["interpreter"] = Known(_interpreter(single["python"], system), source)
        assumed["environment"] = Known(Environment("venv", "pip", source), source)
    if "torch" in single:
        assumed |= _torch(single["torch"])
    if single.keys() & surroundings.KEYS:
        assumed |= surroundings.facts(single, system)
    return assumed


def variables(items: Sequence[str]) -> dict[str, str]:
    """The environment variables that are assumed: ``variable=NAME=VALUE``, the value may be empty.

    Raises:
        UsageError: it names none, or one that torchsmith does not look at, or one twice.

    """
    found: dict[str, str] = {}
    for item in items:
        name, _, given = item.partition("=")
        if name.strip().lower() != "variable":
            continue
        variable, sign, value = given.partition("=")
        if not sign or variable in found:
            raise UsageError(f"`--assume {item}`: a variable is assumed once, as variable=NAME=VALUE")
        if variable not in NAMES:
            from difflib import get_close_matches

            near = get_close_matches(variable.upper(), NAMES, n=3)
            raise UsageError(
                f"torchsmith looks at no variable `{variable}`" + (f"; it does at {', '.join(near)}" if near else "")
            )
        found[variable] = value
    return found


def another_machine(items: Sequence[str]) -> bool:
    """Whether the assumptions speak of another machine than this one: then nothing else of this one counts."""
    return any(item.partition("=")[0].strip().lower() in MACHINE_KEYS for item in items)


def _source(single: dict[str, str], *names: str) -> str:
    return "assumed: " + ", ".join(f"{name}={single[name]}" for name in sorted(names) if name in single)


def _machine(single: dict[str, str], here: Machine | None) -> Machine:
    system = single.get("os", "").lower()
    if system and system not in SYSTEMS:
        raise UsageError(f"`--assume os={single['os']}`: the systems are {', '.join(SYSTEMS)}")
    arch = single.get("arch", "x86_64").lower()
    if arch not in ARCHES:
        raise UsageError(f"`--assume arch={single['arch']}`: the architectures are x86_64 and aarch64")
    if here is not None and not system and "arch" not in single:
        return replace(here, libc="glibc", libc_version=single["glibc"]) if "glibc" in single else here
    linux = system in {"", "linux", "wsl"}
    libc = single.get("glibc", "") if linux else ""
    return Machine(
        os="linux" if linux else system,
        arch=ARCHES[arch],
        libc="glibc" if libc else "",
        libc_version=libc,
        wsl=2 if system == "wsl" else None,
    )


def _device(index: int, name: str) -> Device:
    """A GPU by its product name, or by its compute capability alone (``sm_120``, ``12.0``)."""
    bare = name.lower().removeprefix("sm_")
    if bare.replace(".", "", 1).isdigit():
        number = key(bare)
        sm = number[0] * 10 + number[1] if len(number) == 2 else number[0]
        return Device(index, f"GPU of compute capability {sm // 10}.{sm % 10}", sm)
    row = table.by_name(name)
    if row is None:
        near = table.nearest(name)
        raise UsageError(f"no GPU is known as `{name}`" + (f"; the nearest are {', '.join(near)}" if near else ""))
    return Device(index, row.name or name, row.sm)


def _stack(names: list[str] | None, version: str | None, machine: Machine) -> dict[str, Fact[Any]]:
    """What a working driver with these GPUs would answer; nothing of a driver for ``gpu=none``."""
    source = "assumed: " + ", ".join([*(f"gpu={name}" for name in names or ()), *([f"driver={version}"] if version else [])])
    if version is not None and not key(version):
        raise UsageError(f"`--assume driver={version}`: a driver version looks like 581.57 or 535.183.01")
    windows = machine.os == "windows" or machine.wsl is not None
    cuda = drivers.max_cuda(version, windows=windows) if version else None
    made = Known(Driver(version, None, cuda, works=None), source) if version else None
    if names is None:
        return {"driver": made} if made else {}
    none = [name.lower() for name in names] == ["none"]
    devices = () if none else tuple(_device(index, name) for index, name in enumerate(names))
    if none:
        libraries = NvidiaLibraries(Nvml(loaded=False), Libcuda(loaded=False))
    else:
        nvml = Nvml(loaded=True, status=0, driver=version, cuda=cuda, devices=devices)
        libraries = NvidiaLibraries(nvml, Libcuda(loaded=True, status=0, cuda=cuda, devices=devices))
    stack: dict[str, Fact[Any]] = {
        # No driver listed them: whether this driver would know such a GPU is for a rule to say.
        "gpus": Known(Gpus(devices, "assumption"), source),
        "nvidia_libraries": Known(libraries, source),
        "nvidia_smi": Known(None, source),
        "kernel_module": Known(None, source),
        "pci_devices": Known(PciDevices(()), source),
    }
    if made is None:
        stack["driver"] = Known(None, source) if none else Unknown("not assumed: add --assume driver=VERSION", (source,))
    else:
        stack["driver"] = made
    return stack


def _interpreter(version: str, machine: Machine) -> Interpreter:
    if len(key(version)) < 2:
        raise UsageError(f"`--assume python={version}`: a Python version looks like 3.12")
    return Interpreter(
        executable="python",
        version=version.removesuffix("t"),
        prefix="",
        base_prefix="",
        bits=64,
        machine=machine.arch,
        platform=PLATFORMS[machine.os],
        kind="venv",
        search_path=(),
        site_packages=(),
        free_threaded=version.endswith("t"),
    )


def _torch(version: str) -> dict[str, Fact[Any]]:
    """An installed torch of this version; without a local label (``+cu126``, ``+cpu``) it cannot be told what it carries."""
    label = local_label(version)
    cuda = cuda_of_label(label)
    kind = "cuda" if cuda else "rocm" if label.startswith("rocm") else label if label in {"cpu", "xpu"} else ""
    if not key(version) or not kind:
        raise UsageError(f"`--assume torch={version}`: name the build too, as in 2.14.1+cu126, 2.14.1+cpu or 2.14.1+rocm7.1")
    source = f"assumed: torch={version}"
    hip = label.removeprefix("rocm") if kind == "rocm" else None
    package = Package("torch", version, "site-packages")
    return {
        "torch": Known(Torch("site-packages/torch", version, kind, label, cuda, hip), source),
        "torch_import": Known(TorchImport((Candidate("site-packages/torch/__init__.py", "site-packages", "package"),)), source),
        "packages": Known(Packages((package,)), source),
    }
