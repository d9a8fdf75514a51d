"""What the tables of libraries must obey; see ``laws``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torchsmith.knowledge.load import Row, Table


def libraries_fit_major(table: Table, _tables: Mapping[str, Table]) -> Iterator[str]:
    """A package with a CUDA major in its name stands under that major."""
    for row in table.rows:
        _package, mark, major = str(row["pip_package"]).rpartition("-cu")
        if mark and major.isdigit() and int(major) != row["cuda_major"]:
            yield f"{_name(table, row)}: under CUDA {row['cuda_major']}"


def known_dlls_are_windows(table: Table, tables: Mapping[str, Table]) -> Iterator[str]:
    """A known DLL is a part of every Windows."""
    parts = {row["dll"] for row in tables["windows_dlls"].rows if row["kind"] == "windows"}
    for row in table.rows:
        if row["dll"] not in parts:
            yield f"{_name(table, row)}: not a part of every Windows"


def windows_dlls_well_formed(table: Table, _tables: Mapping[str, Table]) -> Iterator[str]:
    """Names are in lower case and in order; what Windows itself lacks says who brings it, a redistributable from when on."""
    names = [str(row["dll"]) for row in table.rows]
    if names != sorted(names) or any(name != name.lower() for name in names):
        yield "the names are not in order, or not in lower case"
    for row in table.rows:
        if row["kind"] not in {"windows", "media", "redistributable", "driver"}:
            yield f"{_name(table, row)}: {row['kind']} is no kind"
        if (row["kind"] == "windows") is not (row["provider"] is None):
            yield f"{_name(table, row)}: `provider` and `kind` do not agree"
        if row["kind"] == "redistributable" and row["since"] is None:
            yield f"{_name(table, row)}: since which redistributable?"


def some_package_is_named(table: Table, _tables: Mapping[str, Table]) -> Iterator[str]:
    """A library without any package to get it from is no knowledge."""
    yield from (_name(table, row) for row in table.rows if not (row["debian"] or row["fedora"] or row["pip_package"]))


def _name(table: Table, row: Row) -> str:
    return " ".join(str(row[column]) for column in table.key)
