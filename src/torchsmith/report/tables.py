"""Knowledge tables as text and JSON: rows, then the sources that they name."""

from __future__ import annotations

import json

from torchsmith.report.escape import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchsmith.knowledge.load import Table

CELL = 40


def listing(tables: Sequence[Table]) -> str:
    """One line a table."""
    width = max(len(table.name) for table in tables)
    return "".join(f"{t.name:<{width}}  {len(t.rows):>4} rows, checked {t.checked}  {t.title}\n" for t in tables)


def as_text(table: Table) -> str:
    """Aligned columns; a long cell is cut in the middle of the page, never in JSON."""
    shown = [[_cell(row.get(column)) for column in table.columns] for row in table.rows]
    widths = [min(CELL, max([len(column), *(len(cells[i]) for cells in shown)])) for i, column in enumerate(table.columns)]
    lines = [f"# {table.title} (checked {table.checked})", _line(table.columns, widths)]
    lines += [_line(cells, widths) for cells in shown]
    lines += ["", "Sources:"]
    named = {source.key: source for row in table.rows for source in table.sources_of(row)}
    lines += [
        f"  {key}: {safe(source.title)}" + (f"  {source.url}" if source.url else "") for key, source in sorted(named.items())
    ]
    return "\n".join(lines) + "\n"


def as_json(table: Table) -> str:
    """The whole table."""
    named = {source.key: source for row in table.rows for source in table.sources_of(row)}
    document = {
        "schema_version": 1,
        "table": table.name,
        "title": table.title,
        "checked": table.checked,
        "columns": list(table.columns),
        "rows": list(table.rows),
        "sources": {key: {"title": source.title, "url": source.url} for key, source in sorted(named.items())},
    }
    return json.dumps(document, indent=1, default=str) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return safe(" ".join(map(str, value)) if isinstance(value, tuple | list) else value)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    cut = [cell if len(cell) <= width else cell[: width - 1] + "~" for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cut, widths, strict=True)).rstrip()
