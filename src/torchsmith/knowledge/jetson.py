"""Jetson: the JetPack that belongs to a release of Jetson Linux, and its CUDA and Python."""

from __future__ import annotations

from torchsmith.knowledge.compiled import compat_rules
from torchsmith.model.record import record
from torchsmith.model.versions import major

GENERAL = 7
"""From this JetPack on a Jetson runs what Arm servers run."""


@record
class JetPack:
    """A JetPack by its major version: the CUDA (major, or major and minor) and the Python that its torch builds are for."""

    major: int
    cuda: str
    python: str


def jetpack(l4t: str) -> JetPack | None:
    """The JetPack of a Jetson Linux release such as 36.4.3; None for one that the table does not know."""
    number = dict(compat_rules.JETPACK_OF_L4T).get(major(l4t))
    if number is None:
        return None
    return JetPack(int(number), dict(compat_rules.JETPACK_CUDA)[int(number)], dict(compat_rules.JETPACK_PYTHON)[int(number)])


def before_general() -> JetPack:
    """The last JetPack that needs NVIDIA's own builds."""
    number = max(number for number in known() if number < GENERAL)
    return JetPack(number, dict(compat_rules.JETPACK_CUDA)[number], dict(compat_rules.JETPACK_PYTHON)[number])


def known() -> tuple[int, ...]:
    """The JetPacks that the table knows, oldest first."""
    return tuple(sorted({int(number) for _, number in compat_rules.JETPACK_OF_L4T}))


def linux_of(pack: int) -> str | None:
    """The release of Jetson Linux that belongs to a JetPack, by its first number: the newest of that JetPack."""
    releases = [release for release, number in compat_rules.JETPACK_OF_L4T if int(number) == pack]
    return str(max(releases)) if releases else None
