"""Project files that are there whole: pyproject.toml, Pipfile, pixi.toml, environment.yml. All of it is distrusted.

What the tables mean is ``project_files``' business, whether they were pasted or read.
"""

from __future__ import annotations

import re

from torchsmith.host.redact import without_secrets
from torchsmith.intake import project_files, requirement_lines
from torchsmith.intake.pip_list import normal
from torchsmith.model.facts.project import Binding, Dependency
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Found = tuple[str, Any]

_LONG_KEY = pattern(r"(?<![\w-])(?:(?:\"(?:[^\"\\\n]|\\.){0,200}+\"|'[^'\n]{0,200}+'|[\w-]++)[ \t]*+\.[ \t]*+){17}", 0x100)
"""A dotted key of more than sixteen parts: the parser's time grows with their square."""
_POETRY_CORE = pattern(r"poetry(?:-core)?\s*[>=~^(]{1,3}\s*(\d{1,3})")
_MOST_TABLES = 60


class NotReadError(ValueError):
    """The file is not what its name says; the text says why."""


def toml(text: str, name: str) -> dict[str, Any]:
    """A TOML document.

    Raises:
        NotReadError: it is none, or one that would take the parser long.

    """
    import tomllib  # only where there is such a file

    if long := _LONG_KEY.search(text):
        number = text.count("\n", 0, long.start()) + 1
        raise NotReadError(f"`{name}`, line {number}: a key of more parts than any project file has")
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except RecursionError:
        raise NotReadError(f"`{name}` is nested deeper than any project file") from None
    except ValueError as error:  # a TOMLDecodeError is one, and so is a number of too many digits
        end = f"(at line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))}, the end)"
        raise NotReadError(f"`{name}` is no TOML: {str(error).replace('(at end of document)', end)}") from None


def pyproject(document: dict[str, Any]) -> Iterator[Found]:
    """What every tool's tables say. Besides: ``manager`` for each tool that has tables, ``version`` of Poetry."""
    for tool, manager in (("uv", "uv-project"), ("poetry", "poetry"), ("pdm", "pdm"), ("pixi", "pixi")):
        if tool in _table(document, "tool"):  # an empty table is a mark, too
            yield "manager", manager
            yield "table", f"tool.{tool}"
    for table in ("project", "project.optional-dependencies", "dependency-groups", "tool.uv", "tool.uv.pip"):
        if values := _table(document, table):
            yield "table", table
            yield from project_files.of_table(table, values)
    yield from _uv(_table(document, "tool.uv"))
    yield from _poetry(_table(document, "tool.poetry"), _table(document, "project"))
    yield from _pdm(_table(document, "tool.pdm"))
    yield from pixi(_table(document, "tool.pixi"))
    requires = _table(document, "build-system").get("requires")
    for text in requires if isinstance(requires, list) else ():
        if isinstance(text, str) and (core := _POETRY_CORE.match(text)):
            yield "core", core[1]


def _table(document: dict[str, Any], path: str) -> dict[str, Any]:
    found: Any = document
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _uv(values: dict[str, Any]) -> Iterator[Found]:
    yield from project_files.requirements(values.get("constraint-dependencies"), "constraints")
    yield from project_files.requirements(values.get("override-dependencies"), "override")


def _poetry(values: dict[str, Any], project: dict[str, Any]) -> Iterator[Found]:
    if not values:
        return
    if isinstance(required := values.get("requires-poetry"), str) and (number := re.search(r"\d{1,3}", required)):
        yield "version", number[0]
    elif project.get("name"):
        yield "version", "2"  # only since 2.0 does it read [project]
    groups = {f"tool.poetry.group.{name}.dependencies": its for name, its in _table(values, "group").items()}
    tables = {f"tool.poetry.{name}": values.get(name) for name in ("dependencies", "dev-dependencies")}
    tables |= {name: its.get("dependencies") for name, its in list(groups.items())[:_MOST_TABLES] if isinstance(its, dict)}
    for name, its in tables.items():
        if isinstance(its, dict):
            yield from project_files.of_table(name, its)
    yield from _sources("tool.poetry.source", values.get("source"))


def _pdm(values: dict[str, Any]) -> Iterator[Found]:
    yield from _sources("tool.pdm.source", values.get("source"))
    for name, listed in _table(values, "dev-dependencies").items():
        yield from project_files.requirements(listed, f"group:{name}")


def _sources(table: str, listed: Any) -> Iterator[Found]:
    for one in listed[:_MOST_TABLES] if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield from project_files.of_table(table, one)


def pipfile(document: dict[str, Any]) -> Iterator[Found]:
    """A Pipfile."""
    yield from _sources("source", document.get("source"))
    for table in ("packages", "dev-packages"):
        yield from project_files.of_table(table, _table(document, table))
    python = _table(document, "requires").get("python_version")
    if isinstance(python, str) and python != "*":
        yield "dependency", Dependency("python", f"=={python}.*", "requires-python")


def pixi(document: dict[str, Any]) -> Iterator[Found]:
    """The tables of pixi, from pixi.toml or below tool.pixi."""
    for table in ("workspace", "project"):
        channels = _table(document, table).get("channels")
        for channel in channels if isinstance(channels, list) else ():
            yield "channel", str(channel.get("channel", "") if isinstance(channel, dict) else channel)
    features = list(_table(document, "feature").items())[:_MOST_TABLES]
    for where, values in (("pixi", document), *((f"pixi-feature:{name}", its) for name, its in features)):
        if not isinstance(values, dict):
            continue
        for package, its in _table(values, "dependencies").items():
            version = its.get("version", "*") if isinstance(its, dict) else its
            yield "dependency", Dependency(normal(package), str(version), where)
        for package, its in _table(values, "pypi-dependencies").items():
            version = its.get("version", "*") if isinstance(its, dict) else its
            of_feature = f"optional:{where.partition(':')[2]}"  # a feature's packages need not be installed
            yield "dependency", Dependency(normal(package), str(version), "conda-pip" if where == "pixi" else of_feature)
            if isinstance(its, dict) and isinstance(its.get("index"), str):
                yield "binding", Binding(normal(package), without_secrets(its["index"]), "pixi")


def environment_yml(text: str, name: str) -> Iterator[Found]:
    """Channels and dependencies of a conda environment file, and what its ``pip:`` list says."""
    part, pip_at = "", -1
    for line in text.splitlines():
        bare = line.split(" #", 1)[0].rstrip()
        entry = bare.lstrip()
        indent = len(bare) - len(entry)
        if not entry or entry.startswith("#") or len(entry) > requirement_lines.LONGEST:
            continue
        if not entry.startswith("-"):
            part, pip_at = (entry.rstrip(":"), -1) if not indent else (part, pip_at)
            continue
        item = entry[1:].strip()
        if item[:1] in {'"', "'"} and item.endswith(item[0]):
            item = item[1:-1]
        if pip_at >= 0 and indent > pip_at:
            yield from requirement_lines.read(item, name, "conda-pip")
            continue
        pip_at = -1
        if part == "channels":
            yield "channel", without_secrets(item)
        elif part == "dependencies" and item == "pip:":
            pip_at = indent
        elif part == "dependencies":
            yield from _conda_item(item.rpartition("::")[2], name)


def _conda_item(item: str, file: str) -> Iterator[Found]:
    found = re.match(r"[A-Za-z0-9_.-]{1,80}", item)
    if found:
        specifier = item[found.end() :].strip()
        yield "dependency", Dependency(normal(found[0]), specifier, "conda", "", file)
