"""What the table of third-party packages must obey; see ``laws``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from torchsmith.knowledge.load import Cell, Row, Table
from torchsmith.model import pep440

Tables = Mapping[str, Table]

_CLAUSE = re.compile(r"(==|!=|<=|>=|~=|<|>)[0-9][0-9a-z.*]*")
_NEED = re.compile(r"([a-z0-9-]+)((?:[=!<>~][^@;]*)?)(?:@(.+))?")
_WHEELS = re.compile(r"[-?]|[0-9.,-]*:[0-9,]*:[0-9.,-]*")
_PLATFORMS = {"linux-x86_64", "linux-aarch64", "windows", "macos-arm64", "macos-x86_64"}


def third_party_ranges_disjoint(table: Table, _tables: Tables) -> Iterator[str]:
    """A package's ranges follow each other without overlap, each with a beginning before its end."""
    for before, after in zip(table.rows, table.rows[1:], strict=False):
        if before["package"] == after["package"] and (before["below"] is None or after["first"] is None):
            yield f"{before['package']}: an open range stands beside another"
        elif before["package"] == after["package"] and pep440.key(str(before["below"])) > pep440.key(str(after["first"])):
            yield f"{before['package']}: {before['below']} and {after['first']} overlap"


def third_party_versions_in_range(table: Table, _tables: Tables) -> Iterator[str]:
    """Versions ascend, lie in the range of their row, and the first of them begins it."""
    for row in table.rows:
        listed, withdrawn = _words(row["versions"]), _words(row["yanked"])
        keys = [pep440.key(version) for version in listed]
        if keys != sorted(keys) or () in keys:
            yield f"{_name(row)}: its versions do not ascend"
        first = min((*listed, *withdrawn), key=pep440.key, default=None)
        if first != row["first"]:
            yield f"{_name(row)}: begins with {row['first']}, and its first version is {first}"
        below = row["below"]
        if below and any(pep440.key(version) >= pep440.key(str(below)) for version in (*listed, *withdrawn)):
            yield f"{_name(row)}: a version reaches {below}"


def third_party_says_something(table: Table, tables: Tables) -> Iterator[str]:
    """Specifiers can be read, platforms and wheels are written as agreed, and what a package needs is listed."""
    known = {row["package"] for row in table.rows} | {row["package"] for row in tables["companion_requirements"].rows}
    for row in table.rows:
        for column in ("torch_spec", "python_spec"):
            if not _readable(str(row[column] or "")):
                yield f"{_name(row)}: `{column}` {row[column]} cannot be read"
        for platform in {*_words(row["platforms"]), *_words(row["gpu_platforms"])} - _PLATFORMS:
            yield f"{_name(row)}: no platform {platform}"
        for wheel in _words(row["wheels"]):
            if not _WHEELS.fullmatch(wheel):
                yield f"{_name(row)}: wheels {wheel} cannot be read"
        for need in str(row["needs"]).split("; ") if row["needs"] else ():
            parts = _NEED.fullmatch(need)
            if not parts or parts[1] not in known or not _readable(parts[2]) or not _readable(parts[3] or ""):
                yield f"{_name(row)}: need {need} cannot be read, or its package is not listed"


def _readable(specifier: str) -> bool:
    return all(_CLAUSE.fullmatch(part) for part in specifier.split(",")) if specifier else True


def _words(cell: Cell) -> tuple[str, ...]:
    return tuple(item for item in cell if isinstance(item, str)) if isinstance(cell, tuple) else ()


def _name(row: Row) -> str:
    return f"{row['package']} {row['first']}"
