"""What the tables behind a decision must obey: approaches and criteria."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torchsmith.knowledge.load import Table

Tables = Mapping[str, Table]


def judgements_are_shares(table: Table, _tables: Tables) -> Iterator[str]:
    """What is judged is judged from 0 to 100."""
    for row in table.rows:
        for column in ("reversible", "reliability", "flexibility", "upkeep"):
            if not 0 <= int(str(row[column])) <= 100:
                yield f"{row['approach']}: {column} is {row[column]}"
