"""Which wheel of a release fits an interpreter and a machine, by its tags (PEP 425, 600, 656), as installers choose."""

from __future__ import annotations

from torchsmith.binaries.wheel import Filename, filename, normalised
from torchsmith.model import pep440
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

_PYTHON = pattern(r"(cp|pp)(\d)(\d{0,2})(t?)")
_ABI3_SINCE = 2
_MANYLINUX = pattern(r"manylinux_(\d+)_(\d+)_(\w+)")
_MUSLLINUX = pattern(r"musllinux_(\d+)_(\d+)_(\w+)")
_MACOS = pattern(r"macosx_(\d+)_(\d+)_(\w+)")
_OLD_MANYLINUX = {"manylinux2014": (2, 17), "manylinux2010": (2, 12), "manylinux1": (2, 5)}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "i686": "x86", "i386": "x86", "win32": "x86"}
_MAC_SETS = {"aarch64": ("arm64", "universal2"), "x86_64": ("x86_64", "universal2", "intel", "fat64", "fat3", "universal")}
_NEWEST = 10_000
SHOWN = 12


@record
class Platform:
    """A system to choose for. ``libc`` is the highest version of glibc, musl or macOS that may be asked for; None: any."""

    system: str
    """``linux``, ``musllinux``, ``windows`` or ``macos``."""
    machine: str
    """``x86_64``, ``aarch64``, ``x86`` ..."""
    libc: tuple[int, int] | None = None


@record
class Python:
    """An interpreter to choose for."""

    implementation: str
    """``cp`` or ``pp``."""
    version: tuple[int, int]
    threaded: bool = False
    """Free-threaded: ``cp313t``."""


@record
class Choice:
    """The file that fits best, or None and why. ``there`` lists the wheels of that release, for the user to choose from."""

    file: Mapping[str, Any] | None
    version: str = ""
    why_none: str = ""
    there: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def platform(text: str) -> Platform | None:
    """``linux-x86_64``, ``manylinux_2_28_aarch64``, ``win_amd64``, ``macosx_11_0_arm64`` ...; None: not understood."""
    text = text.lower().replace("-", "_")
    for expression, system in ((_MANYLINUX, "linux"), (_MUSLLINUX, "musllinux"), (_MACOS, "macos")):
        if found := expression.fullmatch(text):
            return Platform(system, _machine(found[3]), (int(found[1]), int(found[2])))
    for name, version in _OLD_MANYLINUX.items():
        if text.startswith(f"{name}_"):
            return Platform("linux", _machine(text[len(name) + 1 :]), version)
    systems = {
        "linux": "linux",
        "musllinux": "musllinux",
        "win": "windows",
        "windows": "windows",
        "macos": "macos",
        "macosx": "macos",
    }
    head, _, rest = text.partition("_")
    if text == "win32":
        return Platform("windows", "x86")
    return Platform(systems[head], _machine(rest)) if head in systems and rest else None


def python(text: str) -> Python | None:
    """``cp313``, ``cp313t``, ``pp310``, ``3.13``; None: not understood."""
    text = text.lower().removeprefix("py")
    if text.replace(".", "").isdigit():
        text = "cp" + "".join(text.split(".")[:2])
    found = _PYTHON.fullmatch(text)
    return Python(found[1], (int(found[2]), int(found[3] or 0)), bool(found[4])) if found else None


def choose(files: Sequence[Mapping[str, Any]], project: str, version: str, interpreter: Python, system: Platform) -> Choice:
    """The wheel of ``project`` that pip would take: of ``version``, or of the newest one that has a fitting wheel.

    Without a version, pre-releases and yanked files are left out. Of builds with the same public version the highest local label
    wins, then the best tags, then the highest build number.
    """
    named = [
        (file, parts) for file in files if (parts := filename(file["filename"])) and normalised(parts.name) == normalised(project)
    ]
    if version:
        release = [(file, parts) for file, parts in named if pep440.equal(parts.version, version)]
    else:
        release = [
            (f, p)
            for f, p in named
            if f["yanked"] is None and pep440.is_version(p.version) and not pep440.is_prerelease(p.version)
        ]
    if not release:
        return _nothing(files, named, project, version)
    fitting = []
    for file, parts in release:
        rank = fits(parts, interpreter, system)
        running = f"{interpreter.version[0]}.{interpreter.version[1]}"
        if rank is not None and _runs(file["requires_python"], running):
            fitting.append(((file["yanked"] is None, pep440.key(parts.version), rank, _build(parts.build)), file, parts))
    if not fitting:
        newest = max((parts.version for _, parts in release), key=pep440.key)
        there = tuple(sorted(file["filename"] for file, parts in release if parts.version == newest))
        return Choice(None, newest, f"no wheel of {project} {newest} fits {described(interpreter, system)}", there)
    _, file, parts = max(fitting, key=lambda one: one[0])
    notes = () if file["yanked"] is None else (f"this file was yanked{': ' + file['yanked'] if file['yanked'] else ''}",)
    return Choice(file, parts.version, notes=notes)


def fits(parts: Filename, interpreter: Python, system: Platform) -> tuple[int, ...] | None:
    """How well a wheel's tags fit, the higher the better; None where they do not."""
    ranks = [
        (kind, place)
        for tag in parts.python
        for abi in parts.abi
        for plat in parts.platform
        if (kind := _kind(tag, abi, plat == "any", interpreter)) is not None and (place := _place(plat, system)) is not None
    ]
    if not ranks:
        return None
    kind, place = max(ranks)
    return (*kind, *place)


def described(interpreter: Python, system: Platform) -> str:
    """Both in the words of wheel tags."""
    major, minor = interpreter.version
    tag = f"{interpreter.implementation}{major}{minor}{'t' if interpreter.threaded else ''}"
    libc = f" {'glibc' if system.system == 'linux' else ''} {system.libc[0]}.{system.libc[1]}" if system.libc else ""
    return f"{tag} on {system.system}-{system.machine}{' '.join(('', *libc.split()))}"


def _nothing(
    files: Sequence[Mapping[str, Any]], named: Iterable[tuple[Mapping[str, Any], Filename]], project: str, version: str
) -> Choice:
    versions = sorted({parts.version for _, parts in named}, key=pep440.key)
    sources = [file["filename"] for file in files if not file["filename"].endswith(".whl")]
    if version and any(f"-{version}." in name for name in sources):
        return Choice(None, version, f"{project} {version} is there as a source archive only; only wheels can be inspected")
    if not versions:
        only = "source archives only; only wheels can be inspected" if sources else "no files"
        return Choice(None, version, f"the index has {only} of {project}")
    wanted = f"no wheels of {project} {version}" if version else f"no wheels of {project} but pre-releases and yanked ones"
    return Choice(None, version, f"the index has {wanted}; it has {', '.join(versions[-SHOWN:])}")


def _kind(tag: str, abi: str, everywhere: bool, interpreter: Python) -> tuple[int, int] | None:
    """Rank of the Python and ABI tags, in the order in which installers try them."""
    major, minor = interpreter.version
    found = _PYTHON.fullmatch(tag)
    if found and found[1] == interpreter.implementation and not found[4]:
        own = (int(found[2]), int(found[3] or 0)) == interpreter.version
        exact = {f"{interpreter.implementation}{major}{minor}{'t' if interpreter.threaded else ''}"}
        if interpreter.implementation == "pp":
            exact = {abi} if abi.startswith(f"pypy{major}{minor}_") else set()
        if own and abi in exact:
            return None if everywhere else (9, 0)
        if own and abi == "none":
            return (4, 0) if everywhere else (7, 0)
        stable = "abi3t" if interpreter.threaded else "abi3"
        if abi == stable and interpreter.implementation == "cp" and int(found[2]) == major and not everywhere:
            older = int(found[3] or 0)
            return (8, 0) if older == minor else (6, older) if _ABI3_SINCE <= older < minor else None
        return None
    if abi != "none" or not tag.startswith("py") or not tag[2:].isdigit() or tag[2] != str(major):
        return None
    generic = int(tag[3:]) if tag[3:] else None
    if generic is not None and generic > minor:
        return None
    order = 1000 if generic == minor else 999 if generic is None else generic  # py313, py3, py312, py311 ...
    return (3, order) if everywhere else (5, order)


def _place(tag: str, system: Platform) -> tuple[int, ...] | None:
    """Rank of the platform tag: the newest C library or system that is still allowed comes first."""
    if tag == "any":
        return (0,)
    if system.system == "windows":
        return (1,) if tag == {"x86_64": "win_amd64", "aarch64": "win_arm64", "x86": "win32"}.get(system.machine) else None
    if system.system == "macos":
        return _macos_place(tag, system)
    machine = {"x86": "i686"}.get(system.machine, system.machine)
    if tag == f"linux_{machine}":
        return (1, 0, 0)
    if system.system == "musllinux":
        found = _MUSLLINUX.fullmatch(tag)
    else:
        old = next((v for name, v in _OLD_MANYLINUX.items() if tag == f"{name}_{machine}"), None)
        if old:
            return (1, *old) if old <= (system.libc or (_NEWEST, 0)) else None
        found = _MANYLINUX.fullmatch(tag)
    if not found or found[3] != machine:
        return None
    version = (int(found[1]), int(found[2]))
    return (1, *version) if version <= (system.libc or (_NEWEST, 0)) and version[0] == (system.libc or version)[0] else None


def _macos_place(tag: str, system: Platform) -> tuple[int, ...] | None:
    found = _MACOS.fullmatch(tag)
    sets = _MAC_SETS.get(system.machine, ())
    if not found or found[3] not in sets:
        return None
    version = (int(found[1]), int(found[2]))
    return (1, *version, -sets.index(found[3])) if version <= (system.libc or (_NEWEST, 0)) else None


def _runs(requires: str, running: str) -> bool:
    """Whether ``Requires-Python`` takes this minor version: some patch release of it is enough."""
    return not requires or any(pep440.allows(requires, version) for version in (f"{running}.99", f"{running}.0"))


def _machine(text: str) -> str:
    return _MACHINES.get(text, text)


def _build(tag: str) -> tuple[int, str]:
    digits = tag[: len(tag) - len(tag.lstrip("0123456789"))]
    return (int(digits) if digits else -1, tag[len(digits) :])
