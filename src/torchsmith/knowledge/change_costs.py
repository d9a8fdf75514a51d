"""What it costs to change something so that torch fits: a wish is cheap, a driver dear, a GPU dearest."""

from __future__ import annotations

from torchsmith.knowledge.compiled.change_costs import ROWS

OTHER = "other"


def cost(constraint: str) -> int:
    """The cost of satisfying a constraint, in arbitrary units; a constraint that is not listed costs what others do."""
    costs = dict(ROWS)
    return costs.get(constraint, costs[OTHER])


def known() -> tuple[str, ...]:
    """The constraints that have a cost of their own."""
    return tuple(row[0] for row in ROWS)
