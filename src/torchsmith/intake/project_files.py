"""Project files, whole or in part: pyproject.toml, uv.lock, poetry.lock, Pipfile, requirements.txt, environment.yml."""

from __future__ import annotations

import re

from torchsmith.host.redact import without_secrets
from torchsmith.intake import toml_parts
from torchsmith.intake.clue import Clue, Line
from torchsmith.intake.pip_list import normal
from torchsmith.model.facts.project import Binding, Dependency, Locked, PastedProject, Source
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from torchsmith.intake.clue import Clues
    from torchsmith.intake.toml_parts import Part

    Found = tuple[str, Any]

FORM = "project file"
KEPT = 600
"""Statements of one kind that are kept."""
_REQUIREMENT = pattern(
    r"\s{0,8}(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,80}[A-Za-z0-9])?)(?:\[[^\]]{0,60}\])?\s{0,4}"
    r"(?P<specifier>[(=<>!~@][^;]{0,600})?(?:;\s{0,4}(?P<marker>.{1,300}))?$"
)
_CONDA_ITEM = pattern(
    r"\s{0,12}- (?P<item>[A-Za-z0-9_.:/-]{1,80}(?:\s?[=<>!]{1,2}\s?[\w.*=,<>!|-]{1,60})?)\s{0,8}(?:#.{0,200})?$"
)
_HINTS = (
    "[tool.",
    "[[tool.",
    "[project",
    "[[package]]",
    "[dependency-groups]",
    "source =",
    "source=",
    "index =",
    "index=",
    "[[source]]",
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per source, binding, dependency and locked package."""
    if any(hint in line.text for line in lines for hint in _HINTS):
        yield from _toml(tuple(toml_parts.read(lines)))
    yield from conda(lines)


def facts(clues: Clues) -> dict[str, Fact[Any]]:
    """The project; empty where no file of one was pasted."""
    kinds = ("source", "binding", "dependency", "locked", "conflict", "channel", "table")
    told = tuple(clue for clue in clues.of(*kinds) if clue.form == FORM)
    if not any(clue.about != "table" for clue in told):
        return {}
    by: dict[str, list[Any]] = {kind: [] for kind in kinds}
    for clue in told:
        by[clue.about].append(clue.value)
    table, source, binding, dependency, held, conflict, channel = (
        tuple(dict.fromkeys(by[kind][:KEPT])) for kind in ("table", *kinds[:-1])
    )
    value = PastedProject(table, source, binding, dependency, held, conflict, channel, _manager(table, held))
    return {"pasted_project": Known(value, min(told, key=lambda clue: clue.line).source)}


def _manager(tables: tuple[str, ...], entries: tuple[Locked, ...]) -> str:
    """Whose project it is, as its tables tell, else its lock file; empty where neither does."""
    marks = (
        ("tool.poetry", "poetry"),
        ("tool.pdm", "pdm"),
        ("tool.uv", "uv-project"),
        ("tool.pixi", "pixi"),
        ("packages", "pipenv"),
    )
    named = next((manager for start, manager in marks if any(table.startswith(start) for table in tables)), "")
    locked_by = {"uv": "uv-project", "poetry": "poetry"}
    return named or next((locked_by[entry.tool] for entry in entries if entry.tool in locked_by), "")


def _toml(parts: Sequence[Part]) -> Iterator[Clue]:
    grouped: dict[tuple[str, int], dict[str, Any]] = {}
    first: dict[tuple[str, int], int] = {}
    for part in parts:
        key = (part.table, part.number if part.table else 0)
        grouped.setdefault(key, {})
        first.setdefault(key, part.line)
        if part.key:
            grouped[key][part.key] = part.value
    keys = list(grouped)
    for place, key in enumerate(keys):
        table, values, line = key[0], grouped[key], first[key]
        if table:
            yield Clue("table", table, FORM, line)
        if table in {"package", "packages"} and isinstance(values.get("name"), str):
            following = (
                {name: grouped[k] for k in keys[place + 1 : place + 8] if (name := k[0]).startswith("package.")}
                if table == "package"
                else {}
            )
            yield Clue("locked", locked(values, following), FORM, line)
            continue
        for kind, value in of_table(table, values):
            yield Clue(kind, value, FORM, line)


def locked(values: dict[str, Any], following: dict[str, dict[str, Any]]) -> Locked:
    """An entry of a lock file; ``following`` are the tables that belong to it."""
    source = values.get("source")
    own = following.get("package.source", {})
    url = str(own.get("url", "")) if own else str(next(iter(source.values()), "")) if isinstance(source, dict) else ""
    markers = values.get("markers") or values.get("marker") or values.get("resolution-markers") or ""
    needs = values.get("dependencies")
    listed = needs if isinstance(needs, list) else []
    names = [str(need.get("name", "")) for need in listed if isinstance(need, dict)]
    names += [found["name"] for need in _strings(listed) if (found := _REQUIREMENT.match(need))]  # PDM's
    if isinstance(markers, dict):  # one for each group of Poetry's
        markers = list(markers.values())
    names += list(following.get("package.dependencies", {}))
    return Locked(
        normal(str(values["name"])),
        str(values.get("version", "")),
        without_secrets(url),
        "uv" if isinstance(source, dict) else "poetry",
        " or ".join(map(str, markers)) if isinstance(markers, list) else str(markers),
        tuple(dict.fromkeys(map(normal, names))),
    )


def of_table(table: str, values: dict[str, Any]) -> Iterator[Found]:
    """What one table of a project file says: its header and its statements."""
    yield from _standard(table, values)
    yield from _uv(table, values)
    yield from _poetry_or_pipenv(table, values)
    if table in {"tool.uv.index", "tool.poetry.source", "tool.pdm.source", "source"}:
        yield from _source(values, {"source": "pipenv"}.get(table) or table.split(".")[1])
    elif not table:
        yield from _bare(values)


def _standard(table: str, values: dict[str, Any]) -> Iterator[Found]:
    """The tables that every tool reads."""
    if table == "project":
        if isinstance(values.get("requires-python"), str):
            yield "dependency", Dependency("python", values["requires-python"].strip(), "requires-python")
        yield from requirements(values.get("dependencies"), "project")
    elif table in {"project.optional-dependencies", "dependency-groups"}:
        kind = "extra" if table.startswith("project") else "group"
        for name, listed in values.items():
            yield from requirements(listed, f"{kind}:{name}")


def _uv(table: str, values: dict[str, Any]) -> Iterator[Found]:
    if table == "tool.uv.sources":
        for package, bound in values.items():
            yield from _bindings(package, bound, "uv")
    elif table.startswith("tool.uv.sources."):
        yield from _bindings(table.removeprefix("tool.uv.sources."), values, "uv")
    elif table in {"tool.uv", "tool.uv.pip"}:
        yield from _conflicts(values.get("conflicts"))
        yield from requirements(values.get("dev-dependencies"), "group:dev")
        for name in ("index-url", "extra-index-url"):
            for url in _strings(values.get(name)):
                yield "source", Source(name, without_secrets(url), "uv", False, name == "index-url")
        inner = values.get("sources"), values.get("index")
        yield from _uv("tool.uv.sources", inner[0]) if isinstance(inner[0], dict) else ()
        for index in inner[1] if isinstance(inner[1], list) else ():
            yield from _source(index, "uv") if isinstance(index, dict) else ()


def _poetry_or_pipenv(table: str, values: dict[str, Any]) -> Iterator[Found]:
    single = re.fullmatch(r"tool\.poetry(?:\.group\.[\w-]{1,60})?\.dependencies\.(?P<package>[\w.-]{1,80})", table)
    if single:
        yield from _poetry(single["package"], values, "poetry")
    elif table.startswith("tool.poetry") and table.endswith("dependencies"):
        group = re.fullmatch(r"tool\.poetry\.group\.(.{1,60})\.dependencies", table)
        for package, value in values.items():
            yield from _poetry(package, value, f"poetry-group:{group[1]}" if group else "poetry")
    elif table in {"packages", "dev-packages"}:
        for package, value in values.items():
            yield from _poetry(package, value, "pipenv")


def _bare(values: dict[str, Any]) -> Iterator[Found]:
    """Statements without a table in front of them: what names an index is uv's, what names a source is Poetry's."""
    for package, bound in values.items():
        if package == "dependencies":
            yield from requirements(bound, "project")
        elif "index" in str(bound):
            yield from _bindings(package, bound, "uv")
        else:
            yield from _poetry(package, bound, "poetry")


def _strings(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _source(values: dict[str, Any], tool: str) -> Iterator[Found]:
    url = values.get("url")
    if isinstance(url, str):
        priority = str(values.get("priority", ""))
        explicit = values.get("explicit") is True or priority == "explicit"
        default = values.get("default") is True or priority in {"default", "primary"}
        name = str(values.get("name", ""))
        yield "source", Source(name, without_secrets(url), tool, explicit, default)
        for package in _strings(values.get("include_packages")):  # PDM's way to bind a package
            if "*" not in package:
                yield "binding", Binding(normal(package), name, tool)


def _bindings(package: str, bound: Any, tool: str) -> Iterator[Found]:
    for one in bound if isinstance(bound, list) else [bound]:
        if isinstance(one, dict):
            where = (
                one.get("index")
                or one.get("url")
                or one.get("path")
                or one.get("git")
                or ("workspace" if "workspace" in one else "")
            )
            extra = one.get("extra") or one.get("group") or ""
            yield "binding", Binding(normal(package), without_secrets(str(where)), tool, str(one.get("marker", "")), str(extra))


def _poetry(package: str, value: Any, where: str) -> Iterator[Found]:
    """Of a dependency and of each of its constraints: the version, and the source that it names."""
    for one in value if isinstance(value, list) else [value]:
        given = one if isinstance(one, dict) else {"version": one}
        marker = " and ".join(_markers(given))
        version = str(given.get("version", "")) or (
            f"@ {without_secrets(given['url'])}" if isinstance(given.get("url"), str) else ""
        )
        yield "dependency", Dependency(normal(package), version, where, marker)
        named = given.get("source") or given.get("index")
        if isinstance(named, str):
            yield "binding", Binding(normal(package), named, where.partition("-")[0], marker)


def _markers(given: dict[str, Any]) -> Iterator[str]:
    """A constraint's conditions as markers; Poetry has ``platform`` and ``python`` besides."""
    if "markers" in given:
        yield f"({given['markers']})" if " or " in str(given["markers"]) else str(given["markers"])
    if "platform" in given:
        yield f"sys_platform == '{given['platform']}'"
    for clause in str(given.get("python", "")).split(","):
        sign = clause.strip().rstrip("0123456789.*")
        if sign in {">=", "<=", ">", "<", "==", "!=", "~="}:
            yield f"python_version {sign} '{clause.strip().removeprefix(sign)}'"
        elif clause.strip():
            yield f"python {clause.strip()}"  # a caret: nobody can tell


def requirements(listed: Any, where: str) -> Iterator[Found]:
    """PEP 508 requirements in a list, or the one in a text."""
    for text in _strings(listed):
        matched = _REQUIREMENT.match(text)
        if matched:
            specifier = without_secrets((matched["specifier"] or "").strip().strip("()"))
            yield "dependency", Dependency(normal(matched["name"]), specifier, where, (matched["marker"] or "").strip())


def _conflicts(listed: Any) -> Iterator[Found]:
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, list):
            yield "conflict", tuple(str(item.get("extra") or item.get("group") or "") for item in one if isinstance(item, dict))


def conda(lines: Sequence[Line]) -> Iterator[Clue]:
    """``channels:`` and ``dependencies:`` of environment.yml, and what ``pip:`` lists below it."""
    part = ""
    for line in lines:
        text = line.text.rstrip()
        if text in {"channels:", "dependencies:", "Channels:"}:
            part = text.lower()
        elif part and (text.strip() == "- pip:"):
            part = "pip:"
        elif part and (matched := _CONDA_ITEM.match(text)):
            item = matched["item"]
            if part == "channels:":
                yield Clue("channel", item, FORM, line.number)
            else:
                name = re.split(r"[=<>!\s]", item.rpartition("::")[2], maxsplit=1)[0]
                where = "conda" if part == "dependencies:" else "conda-pip"
                yield Clue(
                    "dependency",
                    Dependency(normal(name), item.rpartition("::")[2][len(name) :].strip(), where),
                    FORM,
                    line.number,
                )
        elif part and text and not text.lstrip().startswith(("#", "- ")):
            part = ""
