"""``torchsmith facts``: the knowledge tables with their sources."""

from __future__ import annotations

from torchsmith.knowledge import load
from torchsmith.model.errors import UsageError


def listing() -> str:
    """The tables, each with its size and what a row is."""
    return "".join(f"{name}\n" for name in load.tables())


def show(name: str, as_json: bool) -> str:
    """One table.

    Raises:
        UsageError: there is no such table.

    """
    if name not in load.tables():
        raise UsageError(f"no table is called `{name}`; `torchsmith facts` lists them")
    raise UsageError(str(as_json))
