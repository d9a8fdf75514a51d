"""
# poetry.lock no longer belongs to pyproject.toml

## What it means
pyproject.toml was changed after poetry.lock was written (or the lock was written by another generation of Poetry), so
Poetry refuses to install from it.

## How it is told
Poetry says that pyproject.toml changed significantly since the lock was generated, or that the lock is not up to date
or not compatible.

## What to do
`poetry lock` writes the lock anew and keeps the locked versions where they still fit (before Poetry 2: `poetry lock
--no-update`), then install.

## What not to do
Deleting poetry.lock: every package moves to its newest version, torch among them.

## Sources
Poetry's documentation on package sources; reproduced with Poetry 1.8 and 2.x on a local index.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, WontHelp


@told("poetry-lock-stale")
def answer(seen: Seen) -> Advice:
    """The same for every project."""
    del seen
    return Advice(
        "project",
        "poetry.lock was written for another pyproject.toml (or by another Poetry), so nothing is installed from it",
        remedies=(
            Remedy(
                "Write the lock anew, then install",
                "versions that still fit are kept; before Poetry 2 that is `poetry lock --no-update`",
                commands=(("poetry", "lock"), ("poetry", "install")),
            ),
        ),
        wont_help=(
            WontHelp("Deleting poetry.lock", "every package moves to its newest version, and torch with them"),
            WontHelp("Reinstalling torch or the driver", "Poetry stops before it looks at either"),
        ),
    )
