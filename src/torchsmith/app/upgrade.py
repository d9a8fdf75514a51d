"""``plan --upgrade`` and ``plan --outdated``: what newer combination would work here, and how to get it."""

from __future__ import annotations

from torchsmith.app import plan
from torchsmith.choose import decide, rank
from torchsmith.choose import upgrade as chooser
from torchsmith.knowledge import approaches
from torchsmith.model.facts.python import Packages
from torchsmith.model.known import Known
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.model.upgrade import Demand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torchsmith.choose.reject import Judged
    from torchsmith.choose.situation import Situation
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Option, Wishes
    from torchsmith.model.known import Fact
    from torchsmith.model.upgrade import Step, Upgrade

# The package's own requirement alone: one under the condition of an extra does not hold for who has not asked for that.
_ASKS = pattern(r"(?:Requires-Dist:\s*)?torch(?:\[[^\]]{0,80}\])?\s*\(?\s*([<>=!~][^;()]{0,200}?)\s*\)?\s*(?:;\s*(.{0,300}))?$")
_MOST = 500
"""Packages whose metadata is read."""


def upgrade(host: Host, assumed: Mapping[str, Fact[Any]], wishes: Wishes) -> Upgrade:
    """The newer combinations that fit, each with what it gains, what it breaks and its commands."""
    asked, _ = plan.look(host, assumed, wishes)
    known = decide.judged(asked)
    answer = chooser.upgrade(known, asked, tuple(demands(host, asked.packages)))
    place = plan.where(asked, answer.shell)
    return replace(answer, steps=tuple(replace(step, option=_way(known, asked, step, place)) for step in answer.steps))


def _way(known: Judged, asked: Situation, step: Step, place: Any) -> Option | None:
    """The best way to that very build, in the words of its package manager: the environment's own where that can."""
    rows = tuple(row for row in known.rows if row.candidate == step.candidate)
    weights = approaches.weights(asked.wishes.goal)
    options = rank.options(replace(known, rows=rows), asked, weights, every=True)
    own = getattr(asked.environment, "manager", "")
    option = next((option for option in options if option.approach.name == own), next(iter(options), None))
    return plan.with_steps(option, place) if option else None


def demands(host: Host, packages: Packages) -> Iterator[Demand]:
    """What the installed packages ask of torch, in their own metadata."""
    for package in packages.installed[:_MOST]:
        if package.name == "torch" or not package.metadata:
            continue
        lines = host.binary("requires-torch", f"{package.metadata}/METADATA")
        for line in lines.value if isinstance(lines, Known) else ():
            found = _ASKS.match(str(line).strip())
            if found and "extra" not in (found[2] or ""):
                yield Demand(package.name, package.version, "".join(found[1].split()))
                break
