"""What uv's and Poetry's projects share: where packages are asked for, what is kept of it, and which of it is installed."""

from __future__ import annotations

from torchsmith.managers import places
from torchsmith.managers.base import CannotDo, index_name
from torchsmith.managers.edits import toml, toml_requirements
from torchsmith.managers.edits.base import EditError, normalised
from torchsmith.model import markers, specifiers
from torchsmith.model.choice import Pin
from torchsmith.model.facts.machine import Machine
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path
    from torchsmith.model.choice import Option, Place

LABEL = pattern(r"(?<![a-z0-9])(?:cu\d{2,3}|cpu|xpu|rocm\d{1,2}(?:[._-]?\d{1,2}){0,2})(?![a-z0-9])")
"""A build's label in the name of an index: that of ``pytorch_cuda_cu128``."""
SERVED = frozenset({"torch", "torchvision", "torchaudio"})
"""What the index of every build serves."""
_SIGN = pattern(r"\s*(===|==|~=|\^|~|=)?\s*v?\d[\w.!*]*(\+[\w.]+)?\s*")


def relabelled(name: str, build: str) -> str:
    """The name of an index for another build: as the project writes it where its name bears a label, else our own."""
    return LABEL.sub(build, name) if LABEL.search(name) else index_name(build)


def of_family(option: Option) -> tuple[Pin, ...]:
    """Torch and what comes from the index of its build, torch first; of the default index, what a build's own would serve."""
    return tuple(pin for pin in option.packages if pin.index == option.index and (option.index or pin.name in places.FAMILY))


def unnamed(declared: Iterable[str], option: Option) -> tuple[Pin, ...]:
    """Companions that the project asks for and the option does not name: of torch's own index, the version that belongs to it.

    The version is empty where nobody knows it.
    """
    from torchsmith.knowledge import companions

    own = companions.for_torch(option.candidate.torch)
    missing = SERVED.intersection(declared) - {pin.name for pin in option.packages}
    return tuple(Pin(name, str(getattr(own, name, None) or ""), option.index) for name in sorted(missing))


def explicit(option: Option, place: Place) -> Option:
    """The option with torch from the index of its build in place of the default one, which may serve another build tomorrow.

    For a project that binds torch to an index already, or did. macOS has one build only.
    """
    index = option.candidate.index
    if option.index is not None or index is None or place.os == "macos":
        return option
    pins = tuple(replace(pin, index=index) if pin.name in SERVED and pin.index is None else pin for pin in option.packages)
    return replace(option, index=index, packages=pins)


def refuse_what_no_lock_holds(option: Option) -> None:
    """Packages that are built against the installed torch, and a triton that only the index of the build has.

    Raises:
        CannotDo: the option has such a package.

    """
    if built := places.built(option):
        names = ", ".join(word.partition("==")[0] for word in built)
        raise CannotDo(f"{names} is built against the installed torch, by hand: `torchsmith plan` has the commands")
    own = any("triton" in pin.name for pin in option.packages)
    if option.index and option.candidate.kind in {"rocm", "xpu"} and not own:
        raise CannotDo(f"this build needs a triton of its own: declare it and bind it to {option.index} too, then ask again")


def holds(marker: str, option: Option, place: Place) -> bool | None:
    """Whether a marker holds at the place; None where nobody can tell."""
    return markers.holds(marker, markers.environment(Machine(place.os, place.arch), option.candidate.python))


def version_of(pin: Pin) -> str:
    """Its public version: the source decides the build, and other systems take others."""
    return pin.version.partition("+")[0]


def labelled(pin: Pin, option: Option) -> str:
    """Its version with the label of the build, by which a range is judged."""
    own = option.index and pin.name in places.FAMILY and "+" not in pin.version
    return f"{pin.version}+{option.candidate.build}" if own else pin.version


def specifier(old: str, where: str, pin: Pin, option: Option) -> str:
    """What the project asks of a package afterwards: as it is where that takes the version, else in the same manner.

    A pin stays a pin, a caret a caret; any other range that leaves the version out becomes a pin. A label stays where there
    was one.
    """
    if specifiers.allowed(old, where, labelled(pin, option)):
        return old
    found = _SIGN.fullmatch(old)
    sign, label = (found[1], found[2]) if found else (None, None)
    bare = where.startswith("poetry")
    written = labelled(pin, option) if label else version_of(pin)
    if sign in {"^", "~", "~="}:
        return f"{sign}{written}"
    return written if bare and not sign and found else f"=={written}" if sign or not bare else written


_SHAPES: tuple[tuple[str, type], ...] = (
    ("project", dict),
    ("project.dependencies", list),
    ("project.dynamic", list),
    ("project.optional-dependencies", dict),
    ("project.optional-dependencies.*", list),
    ("dependency-groups", dict),
    ("dependency-groups.*", list),
    ("tool", dict),
    ("tool.uv", dict),
    ("tool.uv.sources", dict),
    ("tool.uv.index", list),
    ("tool.uv.index.*", dict),
    ("tool.uv.index.*.name", str),
    ("tool.uv.index.*.url", str),
    ("tool.uv.conflicts", list),
    ("tool.uv.conflicts.*", list),
    ("tool.uv.conflicts.*.*", dict),
    ("tool.uv.dev-dependencies", list),
    ("tool.uv.constraint-dependencies", list),
    ("tool.uv.override-dependencies", list),
    ("tool.uv.workspace", dict),
    ("tool.uv.workspace.members", list),
    ("tool.uv.workspace.exclude", list),
    ("tool.poetry", dict),
    ("tool.poetry.dependencies", dict),
    ("tool.poetry.dev-dependencies", dict),
    ("tool.poetry.group", dict),
    ("tool.poetry.group.*", dict),
    ("tool.poetry.group.*.dependencies", dict),
    ("tool.poetry.extras", dict),
    ("tool.poetry.extras.*", list),
    ("tool.poetry.source", list),
    ("tool.poetry.source.*", dict),
    ("tool.poetry.source.*.name", str),
    ("tool.poetry.source.*.url", str),
)
"""What stands where in pyproject.toml: in a file where it does not, nothing is changed."""
_KINDS: dict[type, str] = {dict: "table", list: "array", str: "text"}


def refuse_odd(text: str) -> None:
    """Whether the tables that are looked at are what they should be.

    Raises:
        CannotDo: one is not.
        EditError: the text is no TOML.

    """
    data = toml.read(text)
    for path, kind in _SHAPES:
        for found in _all_at(data, path.split(".")):
            if not isinstance(found, kind):
                raise CannotDo(f"what stands at `{path}` in pyproject.toml is no {_KINDS[kind]}")


def _all_at(data: Any, keys: list[str]) -> tuple[Any, ...]:
    if not keys:
        return (data,)
    if keys[0] == "*":
        every = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
        return tuple(each for one in every for each in _all_at(one, keys[1:]))
    return _all_at(data[keys[0]], keys[1:]) if isinstance(data, dict) and keys[0] in data else ()


# ---- lists of requirements: project.dependencies and the like


def lists(text: str, *tables: Path) -> tuple[Path, ...]:
    """The paths of all arrays of requirements, those of ``tables`` last; an array that holds none is passed over."""
    data = toml.read(text)
    paths: list[Path] = [("project", "dependencies")]
    for table in (("project", "optional-dependencies"), ("dependency-groups",)):
        found = toml.read(text, table, {})
        paths += [(*table, name) for name in found] if isinstance(found, dict) else []
    return tuple(path for path in (*paths, *tables) if isinstance(_at(data, path), list))


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def required(text: str, path: Path, name: str) -> tuple[tuple[int, str], ...]:
    """The entries of a list that ask for a package, by number."""
    found = []
    for at, entry in enumerate(toml.read(text, path, [])):
        if isinstance(entry, str):
            try:
                own = toml_requirements.parts(entry)[0]
            except EditError:
                continue
            if normalised(own) == name:
                found.append((at, entry))
    return tuple(found)


def adapted(text: str, path: Path, pin: Pin, option: Option, place: Place, *, exact: bool = False) -> tuple[str, bool]:
    """The list with the entries of a package that count here made to take its version; whether there are such.

    With ``exact`` they take no other.
    """
    counted = False
    for at, entry in required(text, path, pin.name):
        _, _, asked, marker = toml_requirements.parts(entry)
        if marker and holds(marker.lstrip("; "), option, place) is False:
            continue
        counted = True
        bare = asked.strip("() ")
        wanted = f"=={version_of(pin)}" if exact else specifier(bare, "project", pin, option)
        if wanted != bare:
            text = toml.put(text, (*path, at), _with(entry, asked, wanted))
    return text, counted


def _with(entry: str, asked: str, wanted: str) -> str:
    """The requirement with another specifier; brackets, extras and marker as they were."""
    name, extras, _, marker = toml_requirements.parts(entry)
    space = " " if asked and not asked.startswith("@") and entry[len(name + extras) : len(name + extras) + 1] == " " else ""
    body = f"({wanted})" if asked.startswith("(") else wanted
    before = entry.partition(";")[0]
    gap = before[len(before.rstrip()) :] if marker else ""
    return f"{name}{extras}{space}{body}{gap}{marker}"


def appended(text: str, path: Path, pin: Pin, asked: str = "") -> str:
    """The list with a package that it did not name, written as its others are; ``asked`` is in place of the version."""
    entries = toml.read(text, path, [])
    brackets = any(isinstance(entry, str) and " (" in entry.partition(";")[0] for entry in entries)
    asked = asked or f"=={version_of(pin)}"
    return toml_requirements.put_requirement(text, path, f"{pin.name} ({asked})" if brackets else f"{pin.name}{asked}")


# ---- what is installed


def installed(place: Place) -> frozenset[str]:
    """The names of what is in the environment."""
    return frozenset(normalised(each.name) for each in place.packages.installed) if place.packages is not None else frozenset()


def names(entries: Iterable[Any]) -> frozenset[str]:
    """The names in a list of requirements; what is none is passed over."""
    found = set()
    for entry in entries:
        if isinstance(entry, str):
            try:
                found.add(normalised(toml_requirements.parts(entry)[0]))
            except EditError:
                continue
    return frozenset(found)


def refuse_other_locked(lock: str, place: Place) -> None:
    """For an update of all but torch: what is locked has to be what is installed, or it would be installed over it.

    Raises:
        CannotDo: the lock holds another torch, or none.
        EditError: the lock is no TOML.

    """
    have = place.packages.version("torch") if place.packages is not None else None
    locked = {str(each.get("version")) for each in toml.entries(lock, ("package",)) if each.get("name") == "torch"}
    if have not in locked:
        told = f"torch {', '.join(sorted(locked))}" if locked else "no torch"
        raise CannotDo(f"{told} is locked and {have or 'none'} is installed: settle torch by `torchsmith apply` first")


def locked(option: Option, place: Place, lock: str | None) -> bool:
    """Whether the lock holds all of the option, each from where it should come.

    Raises:
        EditError: the lock is no TOML.

    """
    if lock is None:
        return False
    packages = toml.entries(lock, ("package",))
    return all(any(_is(each, pin, option, place) for each in packages) for pin in option.packages)


def _is(locked: dict[str, Any], pin: Pin, option: Option, place: Place) -> bool:
    own = pin.name in places.FAMILY and pin.index == option.index
    version = version_of(pin) + places.label(option, place) if own else pin.version
    source = locked.get("source") or {}
    url = str(source.get("registry") or source.get("url") or "").rstrip("/")
    return (
        normalised(str(locked.get("name", ""))) == pin.name
        and locked.get("version") == version
        and (not own or option.index is None or url == option.index.rstrip("/"))
    )


def staying(packages: Iterable[str], source: str) -> tuple[str, ...]:
    """What is said of packages that stay with the index of the older build."""
    names = ", ".join(sorted(set(packages) - places.FAMILY))
    return (f"{names} stays with {source}: it has to fit the new build of torch too",) if names else ()
