"""``--assume KEY=VALUE``: facts go in where probes go in, and show the assumption as their source.

One mechanism for what-if questions, for planning for another machine, for support, and for tests.
"""

from __future__ import annotations

from torchsmith.app import assume_gpus, surroundings
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.facts.torch import Candidate, Torch, TorchImport
from torchsmith.model.known import Known
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.model.versions import cuda_of_label, key, local_label
from torchsmith.probes.variables import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torchsmith.model.known import Fact

KEYS = (
    "gpu", "driver", "os", "arch", "python", "glibc", "libc", "toolkit", "torch", "package", "manager", "cpu", "ram", "disk",
    "container", "jetpack", "project", "variable",
)  # fmt: skip
REPEATED = frozenset({"gpu", "package", "variable"})
MACHINE_KEYS = frozenset({"os", "arch", "glibc", "libc"})
AS_WRITTEN = frozenset({"project", "variable"})
"""Keys whose values are paths or the user's own words."""
LONGEST = 1 << 15
MOST = 5000
"""Characters of a value (no variable of Windows holds more) and values of one key."""

_GLIBC = pattern(r"[0-9]{1,2}\.[0-9]{1,3}(?:\.[0-9]{1,3})?")
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
    given = _given(items)
    single = {name: values[0] for name, values in given.items() if name not in REPEATED}
    assumed, system = _hardware(given.get("gpu"), single, machine)
    if "python" in single:
        source = f"assumed: python={single['python']}"
        assumed["interpreter"] = Known(_interpreter(single["python"], system), source)
        assumed["environment"] = Known(Environment("venv", "pip", source), source)
    if single.keys() & surroundings.KEYS:
        assumed |= surroundings.facts(single, system)
    if "torch" in single:
        assumed |= _torch(single["torch"])
    if "package" in given:
        assumed["packages"] = _packages(given["package"], assumed.get("packages"))
    return assumed


def _given(items: Sequence[str]) -> dict[str, list[str]]:
    """The values of each key."""
    given: dict[str, list[str]] = {}
    for item in items:
        name, sign, value = item.partition("=")
        name = name.strip().lower()
        if len(item) > LONGEST:
            raise UsageError(f"`--assume {item[:40]}...` has {len(item)} characters; none needs more than {LONGEST}")
        if not sign or name not in KEYS:
            raise UsageError(f"`--assume {item}` is not KEY=VALUE with a key among {', '.join(KEYS)}")
        if not value.strip():
            raise UsageError(f"`--assume {item}` is not KEY=VALUE: the value is empty")
        if name not in AS_WRITTEN and any(char.isdigit() and not char.isascii() for char in value):
            raise UsageError(f"`--assume {item}`: numbers are written with the digits 0 to 9")
        given.setdefault(name, []).append(value.strip())
    for name, values in given.items():
        if name not in REPEATED and len(values) > 1:
            raise UsageError(f"`--assume {name}` is given {len(values)} times; only {' and '.join(sorted(REPEATED))} may be")
        if len(values) > MOST:
            raise UsageError(f"`--assume {name}` is given {len(values)} times; {MOST} are the most")
    return given


def _hardware(names: list[str] | None, single: dict[str, str], here: Machine | None) -> tuple[dict[str, Fact[Any]], Machine]:
    """The facts of the machine and its GPUs, and the machine that they are of."""
    gpus = assume_gpus.named(names or ("none",))
    # Macs are made with Apple's own GPU; one of AMD's or Intel's is an Intel Mac's.
    apple = single.get("os", "").lower() == "macos" and not gpus.others
    system = _machine(single, here, arm=apple or bool(assume_gpus.ARM & set(gpus.kinds)))
    assumed: dict[str, Fact[Any]] = {}
    if MACHINE_KEYS & set(single):
        assumed["machine"] = Known(system, _source(single, *MACHINE_KEYS))
        if names is None and system.os != "macos":
            assumed |= assume_gpus.untold()
    if names is not None or "driver" in single:
        assumed |= assume_gpus.facts(names, gpus, single.get("driver"), system)
    return assumed | assume_gpus.jetson(gpus, single.get("jetpack"), system), system


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


def folder(items: Sequence[str]) -> str | None:
    """The folder of the project that is assumed."""
    return next(
        (value.strip() for name, _, value in (item.partition("=") for item in items) if name.strip().lower() == "project"), None
    )


def in_project(project: Fact[Any], given: dict[str, Fact[Any]]) -> dict[str, Fact[Any]]:
    """The facts with the project's own; what manages it manages its environment, unless another manager is assumed."""
    facts = {**given, "pasted_project": project}
    if not isinstance(project, Known) or project.value is None or not project.value.manager:
        return facts
    known = given.get("environment")
    if isinstance(known, Known) and known.value.manager != "pip":
        return facts
    manager = project.value.manager
    environment = Environment(surroundings.KINDS.get(manager, manager), manager, project.source, project.value.folder)
    return {**facts, "environment": Known(environment, project.source)}


def another_machine(items: Sequence[str]) -> bool:
    """Whether the assumptions speak of another machine than this one: then nothing else of this one counts."""
    return any(item.partition("=")[0].strip().lower() in MACHINE_KEYS for item in items)


def _source(single: dict[str, str], *names: str) -> str:
    return "assumed: " + ", ".join(f"{name}={single[name]}" for name in sorted(names) if name in single)


def _machine(single: dict[str, str], here: Machine | None, *, arm: bool) -> Machine:
    system = single.get("os", "").lower()
    if system and system not in SYSTEMS:
        raise UsageError(f"`--assume os={single['os']}`: the systems are {', '.join(SYSTEMS)}")
    usual = "aarch64" if arm else "x86_64"
    arch = single.get("arch", usual).lower()
    if arch not in ARCHES:
        raise UsageError(f"`--assume arch={single['arch']}`: the architectures are x86_64 and aarch64")
    libc, version = _libc(single)
    if here is not None and not system and "arch" not in single:
        return replace(here, libc=libc, libc_version=version) if libc else here
    linux = system in {"", "linux", "wsl"}
    return Machine(
        os="linux" if linux else system,
        arch=ARCHES[arch],
        libc=libc if linux or libc == "glibc" else "",  # elsewhere it is told as the contradiction that it is
        libc_version=version if linux else "",
        wsl=2 if system == "wsl" else None,
    )


def _libc(single: dict[str, str]) -> tuple[str, str]:
    """The C library and its version, empty where they are not assumed."""
    name = single.get("libc", "glibc" if "glibc" in single else "").lower()
    if name not in {"", "glibc", "musl"}:
        raise UsageError(f"`--assume libc={single['libc']}`: the C libraries are glibc and musl")
    if name == "musl" and "glibc" in single:
        raise UsageError("`--assume libc=musl` and `--assume glibc` exclude each other")
    if name == "musl" and single.get("os", "linux").lower() not in {"linux", "wsl"}:
        raise UsageError(f"`--assume libc=musl` and `--assume os={single['os']}` exclude each other: musl belongs to Linux")
    if "glibc" in single and not _GLIBC.fullmatch(single["glibc"]):
        raise UsageError(f"`--assume glibc={single['glibc']}`: a version of glibc looks like 2.35")
    return name, single.get("glibc", "")


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


def _packages(given: Sequence[str], torch: Fact[Any] | None) -> Fact[Any]:
    """Installed packages, ``numpy==1.26.4`` each, beside torch."""
    found = list(torch.value.installed) if isinstance(torch, Known) else []
    for item in given:
        name, sign, version = (part.strip() for part in item.partition("=="))
        name = name.lower().replace("_", "-").replace(".", "-")
        if not sign or not key(version) or not name.replace("-", "").isalnum():
            raise UsageError(f"`--assume package={item}`: a package is assumed with its version, as in numpy==1.26.4")
        if name == "torch":
            raise UsageError(f"`--assume package={item}`: torch has a key of its own, --assume torch=2.14.1+cu126")
        if any(package.name == name for package in found):
            raise UsageError(f"`--assume package={item}`: {name} is given twice")
        found.append(Package(name, version, "site-packages"))
    return Known(Packages(tuple(found)), "assumed: " + ", ".join(f"package={item}" for item in given))
