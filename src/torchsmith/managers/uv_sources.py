"""Where a uv project takes torch from: the sources and indexes of [tool.uv], and the dependencies that they are for.

Pure: text in, text out. What is declared, bound or named already is changed where it stands.
"""

from __future__ import annotations

from torchsmith.managers import declaring, places
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import toml, toml_comments
from torchsmith.managers.edits.base import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.managers.edits.toml_spans import Path
    from torchsmith.model.choice import Option, Pin, Place

SOURCES: Path = ("tool", "uv", "sources")
INDEX: Path = ("tool", "uv", "index")
DEV: Path = ("tool", "uv", "dev-dependencies")
LIMITS: tuple[Path, ...] = (("tool", "uv", "constraint-dependencies"), ("tool", "uv", "override-dependencies"))


def binds(texts: tuple[str, ...]) -> bool:
    """Whether torch is bound to an index, or was before its line was commented out."""
    return any(toml.read(text, (*SOURCES, "torch")) or toml_comments.commented(text, (*SOURCES, "torch")) for text in texts)


def edited(texts: dict[str, str], path: str, option: Option, place: Place) -> dict[str, str]:
    """The files with torch's family declared and bound; where a source stands already, it is changed there."""
    own = texts[path]
    beside = declaring.unnamed(_asked_for(own), option) if option.index is not None else ()
    for pin in (*option.packages, *beside):
        own = _declared(own, pin, option, place)
    texts = {**texts, path: own}
    for at in reversed(tuple(texts)):
        for table in LIMITS:
            for pin in option.packages:
                texts[at], _ = declaring.adapted(texts[at], table, pin, option, place)
    if option.index is None:
        return {at: _unbound(text, option) for at, text in texts.items()}
    holder = next((at for at in sorted(texts, key=len, reverse=True) if toml.read(texts[at], (*SOURCES, "torch"))), path)
    texts[holder] = _bound(texts[holder], option, place, {at: text for at, text in texts.items() if at != holder})
    return texts


def _asked_for(text: str) -> frozenset[str]:
    """The names of all packages that the project asks for."""
    return frozenset().union(*(declaring.names(toml.read(text, path)) for path in declaring.lists(text, DEV)))


def _declared(text: str, pin: Pin, option: Option, place: Place) -> str:
    """The package asked for: where it is already, else among the project's dependencies."""
    there = False
    for path in declaring.lists(text, DEV):
        text, found = declaring.adapted(text, path, pin, option, place)
        there = there or found
    if there:
        return text
    return declaring.appended(text, ("project", "dependencies"), pin)


def _unbound(text: str, option: Option) -> str:
    """Without the sources of torch's family: the default index has the build."""
    for pin in option.packages:
        if pin.name in places.FAMILY:
            text = toml.remove(text, (*SOURCES, pin.name))
    return text


def _bound(text: str, option: Option, place: Place, others: dict[str, str]) -> str:
    """Each package of the family bound to the index of the option, on the systems that this place is one of."""
    sources = toml.read(text, SOURCES, {})
    if any(_extras(sources.get(pin.name)) for pin in declaring.of_family(option)):
        return _bound_by_extra(text, option)
    given = [sources.get(pin.name) for pin in declaring.of_family(option)]
    old = next((name for each in given if (name := _index_of(each, option, place))), "")
    # What belongs to torch goes with it, though the option may not name it.
    named = (pin.name for pin in declaring.of_family(option))
    beside = (pin.name for pin in declaring.unnamed(_asked_for(text), option))
    moved = dict.fromkeys((*named, *sorted(places.FAMILY.intersection(_uses(text, old))), *beside))
    name = _named(text, old, option, others)
    for package in moved:
        text = _source(text, package, sources.get(package), name, option, place)
    return _put_index(text, old, name, str(option.index), others)


def _named(text: str, old: str, option: Option, others: dict[str, str]) -> str:
    """The name of the index of this address: that of one that is there, else a new one in the project's manner."""
    url = str(option.index).rstrip("/")
    entries = toml.entries(text, INDEX)
    for entry in (*entries, *(entry for other in others.values() for entry in toml.entries(other, INDEX))):
        if str(entry.get("url", "")).rstrip("/") == url and entry.get("name"):
            return str(entry["name"])
    taken = {str(entry.get("name")) for entry in entries}
    name = declaring.relabelled(old, option.candidate.build)
    while name in taken:
        name += "-torch"
    return name


def _put_index(text: str, old: str, name: str, url: str, others: dict[str, str]) -> str:
    """The index there and explicit: one that is there, the older one moved on where nothing uses it any more, or a new one."""
    entries = toml.entries(text, INDEX)
    there = next((entry for entry in entries if entry.get("name") == name), None)
    if there is not None:
        text = text if there.get("default") else toml.put_entry(text, INDEX, {"name": name, "explicit": True})
        return _without_unused(text, old, name, others)
    if any(entry.get("name") == name for other in others.values() for entry in toml.entries(other, INDEX)):
        return _without_unused(text, old, name, others)
    at = next((at for at, entry in enumerate(entries) if entry.get("name") == old), None)
    if at is None or entries[at].get("default") or _uses(text, old) or any(_uses(other, old) for other in others.values()):
        return toml.put_entry(text, INDEX, {"name": name, "url": url, "explicit": True}, revive=True)
    for key, value in (("name", name), ("url", url), ("explicit", True)):
        text = toml.put(text, (*INDEX, at, key), value)
    return text


def _source(text: str, package: str, given: Any, name: str, option: Option, place: Place) -> str:
    """The source of one package: of several by marker, the one that counts here."""
    path = (*SOURCES, package)
    if isinstance(given, list):
        for at, entry in enumerate(given):
            if isinstance(entry, dict) and declaring.holds(str(entry.get("marker", "")), option, place) is not False:
                kept = {key: value for key, value in entry.items() if key == "marker"}
                return (
                    toml.put(text, (*path, at, "index"), name)
                    if "index" in entry
                    else toml.put(text, (*path, at), {"index": name, **kept})
                )
        system = {"windows": "win32", "macos": "darwin"}.get(place.os, "linux")
        return toml.put(text, path, [*given, {"index": name, "marker": f"sys_platform == '{system}'"}])
    if isinstance(given, dict) and "index" in given:
        if declaring.holds(str(given.get("marker", "")), option, place) is False:
            system = {"windows": "win32", "macos": "darwin"}.get(place.os, "linux")
            return toml.put(text, path, [given, {"index": name, "marker": f"sys_platform == '{system}'"}])
        return toml.put(text, (*path, "index"), name)
    return toml.put(text, path, {"index": name}, revive=True)


def _index_of(given: Any, option: Option, place: Place) -> str:
    """The index that a package is bound to here."""
    for entry in given if isinstance(given, list) else [given]:
        if (
            isinstance(entry, dict)
            and entry.get("index")
            and declaring.holds(str(entry.get("marker", "")), option, place) is not False
        ):
            return str(entry["index"])
    return ""


def _uses(text: str, index: str) -> tuple[str, ...]:
    """The packages that are bound to an index."""
    sources = toml.read(text, SOURCES, {})
    return tuple(
        normalised(name)
        for name, given in (sources.items() if isinstance(sources, dict) else ())
        for entry in (given if isinstance(given, list) else [given])
        if isinstance(entry, dict) and entry.get("index") == index
    )


def _without_unused(text: str, old: str, name: str, others: dict[str, str]) -> str:
    """Without the index of the older build, where nothing is bound to it any more and it serves nothing else."""
    entry = next((entry for entry in toml.entries(text, INDEX) if entry.get("name") == old), None)
    if entry is None or old == name or not entry.get("explicit") or _uses(text, old):
        return text
    return text if any(_uses(other, old) for other in others.values()) else toml.remove_entry(text, INDEX, old)


# ---- extras that exclude each other, one per build


def _extras(given: Any) -> tuple[tuple[str, str], ...]:
    """Extra and index of each binding that an extra chooses."""
    return tuple(
        (str(entry["extra"]), str(entry.get("index", "")))
        for entry in (given if isinstance(given, list) else [given])
        if isinstance(entry, dict) and entry.get("extra")
    )


def _bound_by_extra(text: str, option: Option) -> str:
    """Such a project stays as it is where one of its extras has the index; another would be a new extra for all to know."""
    if extra_of(text, option):
        return text
    extras = ", ".join(dict.fromkeys(extra for extra, _ in _extras(toml.read(text, (*SOURCES, "torch")))))
    build = option.candidate.build
    raise CannotDo(
        f"the project chooses torch by its extras ({extras}), none of which has {option.index}: add an extra `{build}` with its"
        " source, its index and a place in [tool.uv] conflicts, then ask again"
    )


def extra_of(text: str, option: Option) -> tuple[str, ...]:
    """The words that choose the extra whose index is that of the option."""
    urls = {entry.get("name"): str(entry.get("url", "")).rstrip("/") for entry in toml.entries(text, INDEX)}
    for extra, index in _extras(toml.read(text, (*SOURCES, "torch"))):
        if option.index and urls.get(index) == option.index.rstrip("/"):
            return "--extra", extra
    return ()


def staying(texts: dict[str, str], option: Option, place: Place) -> tuple[str, ...]:
    """What is said of packages beside torch that are bound to an index of another build, on this system."""
    if option.index is None:
        return ()
    told: tuple[str, ...] = ()
    for text in texts.values():
        for entry in toml.entries(text, INDEX):
            name, url = str(entry.get("name")), str(entry.get("url", "")).rstrip("/")
            label = declaring.LABEL.search(url.rpartition("/")[2])
            if label and url != option.index.rstrip("/") and label[0] != option.candidate.build:
                sources = toml.read(text, SOURCES, {})
                bound = (package for package, given in sources.items() if _index_of(given, option, place) == name)
                told = (*told, *declaring.staying(bound, name))
    return told
