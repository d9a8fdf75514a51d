"""Where a Poetry project takes torch from: its sources, the dependencies bound to them, and those of a [project] table.

Pure: text in, text out. What is declared, bound or commented out is changed where it stands. Two traps of Poetry (1.8 to 2.5,
measured): a source that keeps its name at another address gives a lock of the old version at the new address, so a new build
has a new name; and Poetry 2 ignores the source of a package that the dependencies of a [project] table do not name.
"""

from __future__ import annotations

from torchsmith.managers import declaring, places
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import toml, toml_comments
from torchsmith.managers.edits.base import lines, normalised
from torchsmith.model import specifiers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path
    from torchsmith.model.choice import Option, Pin, Place

POETRY: Path = ("tool", "poetry")
MAIN: Path = (*POETRY, "dependencies")
SOURCE: Path = (*POETRY, "source")
_PYPI = "pypi"
_OF_TORCH = ("torch", "nvidia-", "triton", "pytorch-")
"""How the names of packages begin that an index of torch's builds serves."""
_ELSEWHERE = ("path", "git", "url", "file")


def edited(text: str, major: int, option: Option, place: Place, *, exact: bool = False) -> str:
    """The project with torch's family declared at an explicit source; with ``exact`` held to the very versions.

    Raises:
        CannotDo: the project chooses torch in a way that is not to be changed by a program.
        EditError: the text is no TOML, or cannot be edited.

    """
    _refuse_extras(text)
    old = _old_source(text, option, place)
    name = _named(text, old, option) if option.index is not None else ""
    moved = _uses(text, old) & places.FAMILY if name else set()
    for pin in option.packages:
        bound = name if pin in declaring.of_family(option) else None
        text = _declared(text, pin, bound, major, option, place, exact=exact)
    if not name:
        return text
    for pin in declaring.unnamed(_asked_for(text, major), option):
        text = _declared(text, pin, name, major, option, place, exact=False)
    text = _put_source(text, old, name, str(option.index))
    text = _rebound(text, name, old, moved)
    return _in_comments(_without_dangling(text, name), old, name)


def binds(text: str, option: Option, place: Place) -> bool:
    """Whether torch is bound to a source, or was before its line was commented out."""
    return bool(_old_source(text, option, place))


def tables(text: str) -> tuple[Path, ...]:
    """The paths of all tables of dependencies in Poetry's own words."""
    groups = toml.read(text, (*POETRY, "group"), {})
    paths = (MAIN, (*POETRY, "dev-dependencies"), *((*POETRY, "group", each, "dependencies") for each in groups))
    return tuple(path for path in paths if isinstance(toml.read(text, path), dict))


def by_project(text: str, major: int) -> bool:
    """Whether the [project] table says what is needed, and Poetry's own table only adds to it."""
    if major < 2:
        return False
    project = toml.read(text, ("project",), {})
    dynamic = project.get("dynamic") or []
    return bool(project.get("dependencies") or project.get("optional-dependencies")) and "dependencies" not in dynamic


def _asked_for(text: str, major: int) -> frozenset[str]:
    """The names of all packages that the project asks for."""
    own = {normalised(key) for table in tables(text) for key in toml.read(text, table)}
    return frozenset(own).union(*(declaring.names(toml.read(text, path)) for path in declaring.lists(text) if major >= 2))


# ---- sources


def _named(text: str, old: str, option: Option) -> str:
    """The name of the source with the option's index: that of one that is there, else a new one in the project's manner."""
    url = str(option.index).rstrip("/")
    sources = toml.entries(text, SOURCE)
    for entry in sources:
        if str(entry.get("url", "")).rstrip("/") == url and entry.get("name"):
            return str(entry["name"])
    names = {str(entry.get("name")) for entry in sources}
    name = declaring.relabelled(old, option.candidate.build)
    while name in names:
        name += "-torch"
    return name


def _put_source(text: str, old: str, name: str, url: str) -> str:
    """The source there and explicit: the one that is there, the older one moved on where only torch used it, or a new one."""
    sources = toml.entries(text, SOURCE)
    if any(entry.get("name") == name for entry in sources):
        return toml.put_entry(text, SOURCE, {"name": name, "priority": "explicit"})
    at = next((at for at, entry in enumerate(sources) if entry.get("name") == old), None)
    if at is None or not _uses(text, old) <= places.FAMILY:
        return toml.put_entry(text, SOURCE, {"name": name, "url": url, "priority": "explicit"}, revive=True)
    for key, value in (("name", name), ("url", url), ("priority", "explicit")):
        text = toml.put(text, (*SOURCE, at, key), value)
    return text


def _rebound(text: str, name: str, old: str, packages: set[str]) -> str:
    """What belongs to torch and was bound to its older source, though the option does not name it, goes with it."""
    for table in tables(text):
        for key, value in toml.read(text, table).items():
            if normalised(key) not in packages:
                continue
            for at, entry in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(entry, dict) and entry.get("source") == old:
                    path = (*table, key, at, "source") if isinstance(value, list) else (*table, key, "source")
                    text = toml.put(text, path, name)
    return text


def _old_source(text: str, option: Option, place: Place) -> str:
    """The source that torch is bound to, or was before the line was commented out."""
    for pin in declaring.of_family(option):
        for table in tables(text):
            for entry in _entries(text, table, pin.name):
                if declaring.holds(_marker(entry), option, place) is not False and entry.get("source"):
                    return str(entry["source"])
    out = [str(value["source"]) for value in _commented(text, "torch") if isinstance(value, dict) and value.get("source")]
    defined = {entry.get("name") for entry in toml.entries(text, SOURCE)}
    return str(next((name for name in out if name in defined), out[0] if out else ""))


def _commented(text: str, package: str) -> tuple[Any, ...]:
    return toml_comments.commented(text, (*MAIN, package)) if isinstance(toml.read(text, MAIN), dict) else ()


def _uses(text: str, source: str) -> set[str]:
    """The packages that are bound to a source."""
    return {
        normalised(key)
        for table in tables(text)
        for key in toml.read(text, table)
        for entry in _entries(text, table, normalised(key))
        if entry.get("source") == source
    }


def _without_dangling(text: str, name: str) -> str:
    """No package names a source that is not there: "Repository does not exist". What is torch's goes to the new one."""
    defined = {str(entry.get("name")).lower() for entry in toml.entries(text, SOURCE)} | {_PYPI}
    for table in tables(text):
        for key, value in toml.read(text, table).items():
            for at, entry in enumerate(value if isinstance(value, list) else [value]):
                source = entry.get("source") if isinstance(entry, dict) else None
                if not source or str(source).lower() in defined:
                    continue
                if not normalised(key).startswith(_OF_TORCH):
                    raise CannotDo(f"{key} names the source {source}, which is not defined: define it or take the name out")
                path = (*table, key, at, "source") if isinstance(value, list) else (*table, key, "source")
                text = toml.put(text, path, name)
    return text


def _in_comments(text: str, old: str, name: str) -> str:
    """Lines of torch's family that are commented out name the new source too, where the older one is not there any more."""
    if not old or old == name or any(entry.get("name") == old for entry in toml.entries(text, SOURCE)):
        return text
    kept = lines(text)
    for at, line in enumerate(kept):
        key, equals, value = line.lstrip(" \t").lstrip("# \t").partition("=")
        if (
            line.lstrip(" \t").startswith("#")
            and equals
            and "source" in value
            and normalised(key.strip(" \t\"'")) in places.FAMILY
        ):
            for quote in "\"'":
                value = value.replace(f"{quote}{old}{quote}", f"{quote}{name}{quote}")
            kept[at] = line[: line.index("=") + 1] + value
    made = "".join(kept)
    # What looks like a comment may stand in a text of several lines.
    return made if toml.read(made, ()) == toml.read(text, ()) else text


# ---- dependencies


def _entries(text: str, table: Path, package: str) -> tuple[dict[str, Any], ...]:
    """The entries of a package in a table, each as a table."""
    found = (value for key, value in toml.read(text, table, {}).items() if normalised(key) == package)
    every = (one for value in found for one in (value if isinstance(value, list) else [value]))
    return tuple(one if isinstance(one, dict) else {"version": one} for one in every)


def _marker(entry: dict[str, Any]) -> str:
    return str(entry.get("markers") or "")


def _refuse_extras(text: str) -> None:
    """Extras that exclude each other, one per build: Poetry locks them all and installs more than one."""
    for table in tables(text):
        for entry in _entries(text, table, "torch"):
            if "extra" in _marker(entry):
                raise CannotDo(
                    "the project chooses torch by extras that exclude each other, and Poetry installs all of them one over"
                    " the other: leave one torch with one source in pyproject.toml, then ask again"
                )


def _declared(text: str, pin: Pin, source: str | None, major: int, option: Option, place: Place, *, exact: bool) -> str:
    """The package asked for where it is already, else among the main dependencies; bound to the source if there is one.

    ``source`` None leaves its source as it is.
    """
    listed: set[Path] = set()
    if major >= 2:
        for path in declaring.lists(text):
            text, found = declaring.adapted(text, path, pin, option, place, exact=exact)
            if found:
                listed.add((*POETRY, "group", path[1], "dependencies") if path[0] == "dependency-groups" else MAIN)
    there = False
    for table in tables(text):
        text, found = _adapted(text, table, pin, source, option, place, exact=exact)
        there = there or found
    if by_project(text, major) and not listed:
        there = there and not _entries(text, MAIN, pin.name)  # in a group of Poetry's own it counts by itself
        if not there:
            text = declaring.appended(text, ("project", "dependencies"), pin, _asked(text, pin, option))
            listed.add(MAIN)
    elif not listed and not there:
        return toml.put(text, (*MAIN, pin.name), _revived(text, pin, source, option, exact=exact), revive=True)
    for table in sorted(listed, key=len):
        if source and not _entries(text, table, pin.name):
            text = toml.put(text, (*table, pin.name), {"source": source}, revive=True)
    return text


def _asked(text: str, pin: Pin, option: Option) -> str:
    """What Poetry's own table asks of a package, in PEP 440's words, where that takes the version."""
    for entry in _entries(text, MAIN, pin.name):
        said = specifiers.in_pep440(str(entry.get("version", "")), "poetry")
        if said and specifiers.allowed(said, "project", declaring.labelled(pin, option)):
            return said
    return ""


def _revived(text: str, pin: Pin, source: str | None, option: Option, *, exact: bool) -> Any:
    """The value of a package that is not declared: with the range of a line that is commented out, if it takes the version."""
    version = declaring.version_of(pin)
    kept: dict[str, Any] = {}
    for value in () if exact else _commented(text, pin.name):
        said = value.get("version") if isinstance(value, dict) else value
        if isinstance(said, str) and specifiers.allowed(said, "poetry", declaring.labelled(pin, option)):
            version = said
            kept = {key: each for key, each in value.items() if key in {"extras", "python"}} if isinstance(value, dict) else {}
            break
    return {"version": version, **kept, "source": source} if source else {"version": version, **kept} if kept else version


def _adapted(
    text: str, table: Path, pin: Pin, source: str | None, option: Option, place: Place, *, exact: bool
) -> tuple[str, bool]:
    """A table of Poetry's own with a package's entries that count here made to take its version from its source."""
    key = next((key for key in toml.read(text, table) if normalised(key) == pin.name), None)
    if key is None:
        return text, False
    path, value = (*table, key), toml.read(text, (*table, key))
    if not isinstance(value, list):
        if isinstance(value, dict) and declaring.holds(_marker(value), option, place) is False:
            return text, False
        return _entry(text, path, value, pin, source, option, exact=exact), True
    found = False
    for at, one in enumerate(value):
        entry = one if isinstance(one, dict) else {}
        if declaring.holds(_marker(entry), option, place) is not False and _of_platform(entry, place):
            text, found = _entry(text, (*path, at), one, pin, source, option, exact=exact), True
    return text, found


def _of_platform(entry: dict[str, Any], place: Place) -> bool:
    """Poetry's own short way to name a system."""
    return entry.get("platform") in {None, {"windows": "win32", "macos": "darwin"}.get(place.os, "linux")}


def _entry(text: str, path: Path, value: Any, pin: Pin, source: str | None, option: Option, *, exact: bool) -> str:
    old = value if isinstance(value, dict) else {"version": value}
    asked = old.get("version")
    elsewhere = any(key in old for key in _ELSEWHERE)
    version = (
        declaring.version_of(pin)
        if elsewhere or (exact and asked is not None)
        else declaring.specifier(str(asked), "poetry", pin, option)
        if asked is not None
        else None
    )
    if elsewhere:
        kept = {key: each for key, each in old.items() if key in {"markers", "python", "optional", "extras", "platform"}}
        return toml.put(text, path, {"version": version, **kept, **({"source": source} if source else {})})
    if not isinstance(value, dict):
        return toml.put(text, path, {"version": version, "source": source} if source else version)
    if version is not None and version != asked:
        text = toml.put(text, (*path, "version"), version)
    if source:
        return toml.put(text, (*path, "source"), source)
    if pin.name in places.FAMILY and option.index is None and "source" in old:
        return toml.remove(text, (*path, "source"))
    return text


def staying(text: str, option: Option, place: Place) -> tuple[str, ...]:
    """What is said of packages beside torch that are bound to a source of another build, on this system."""
    told: tuple[str, ...] = ()
    for source in toml.entries(text, SOURCE) if option.index is not None else ():
        name, url = str(source.get("name")), str(source.get("url", "")).rstrip("/")
        label = declaring.LABEL.search(url.rpartition("/")[2])
        if label is None or label[0] == option.candidate.build:
            continue
        bound = (
            normalised(key)
            for table in tables(text)
            for key in toml.read(text, table)
            for entry in _entries(text, table, normalised(key))
            if entry.get("source") == name and declaring.holds(_marker(entry), option, place) is not False
        )
        told = (*told, *declaring.staying(set(bound), name))
    return told
