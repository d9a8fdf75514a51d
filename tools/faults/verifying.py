"""A look at an environment that costs milliseconds, for points where the engine is tested and not the look."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.faults import wheels

if TYPE_CHECKING:
    from torchsmith.model.transaction import Transaction

_ASK: Final = """
import sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    print(name, __import__(name).__version__)
"""


def quick(python: str, transaction: Transaction, live: bool) -> tuple[tuple[str, bool, str], ...]:
    """Each package by import, by the environment's own interpreter."""
    del live
    site = next((Path(python).parents[1] / "lib").glob("python3*")) / "site-packages"
    asked = subprocess.run(
        [python, "-I", "-S", "-B", "-c", _ASK, site, *wheels.VERSIONS], capture_output=True, text=True, check=False
    )
    found = dict(line.split() for line in asked.stdout.splitlines())
    wanted = dict(transaction.expected.packages)
    why = asked.stderr.strip().rpartition("\n")[2]
    return tuple((f"{name} {version}", found.get(name) == version, found.get(name) or why) for name, version in wanted.items())
