"""``torchsmith facts``: the knowledge tables, each row with its source."""

from __future__ import annotations

from torchsmith.knowledge import load
from torchsmith.model.errors import UsageError
from torchsmith.report import tables


def listing() -> str:
    """Every table with what it holds, how many rows, and when it was last checked."""
    return tables.listing([load.table(name) for name in load.tables()])


def show(name: str, as_json: bool) -> str:
    """One table, as text or JSON.

    Raises:
        UsageError: there is no such table.

    """
    if name not in load.tables():
        raise UsageError(f"no table is called `{name}`; `torchsmith facts` lists them")
    table = load.table(name)
    return tables.as_json(table) if as_json else tables.as_text(table)
