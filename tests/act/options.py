"""Options for the tests of act: a build of the tables, by one approach, as the chooser would make it."""

from __future__ import annotations

from collections.abc import Sequence

from torchsmith.knowledge import approaches
from torchsmith.model.choice import Candidate, Option, Pin, Place

PLACE = Place("linux", "bash")


def candidate(torch: str, build: str, python: str = "3.11", platform: str = "linux-x86_64", channel: str = "wheel") -> Candidate:
    """A build; what it carries does not matter to a resolver."""
    kind = "cpu" if build == "cpu" else "cuda"
    return Candidate(channel, torch, build, kind, platform, python)


def option(
    of: Candidate, approach: str = "uv", index: str | None = None, beside: Sequence[tuple[str, str]] = (), **more: object
) -> Option:
    """An option with torch, and what stands ``beside`` it, from one index."""
    way = next(each for each in approaches.every() if each.name == approach)
    pins = tuple(Pin(name, version, index) for name, version in (("torch", of.torch), *beside))
    return Option(1, way, of, index, pins, (), 0.0, **more)  # type: ignore[arg-type]
