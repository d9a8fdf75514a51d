"""What newer combination than the installed one would work, what it gains and what it breaks."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Candidate, Option, Reason


@record
class Demand:
    """An installed package's own word on the torch that it goes with, as PEP 440 writes it."""

    package: str
    version: str
    specifier: str


@record
class Move:
    """A package that has to move with torch: the version that is here, and the one (or the versions) to move to."""

    package: str
    before: str
    after: str


@record
class Step:
    """A newer torch that fits here. ``reach`` is nearest, newest, or both in one.

    ``option`` is the way to carry it out; None where no approach takes it as things stand.
    """

    reach: str
    candidate: Candidate
    gains: tuple[str, ...]
    breaks: tuple[str, ...]
    moves: tuple[Move, ...]
    risks: tuple[str, ...] = ()
    option: Option | None = None


@record
class Newer:
    """A package with a newer version that would fit: beside the present torch, or only beside ``torch``."""

    package: str
    installed: str
    fits: str
    torch: str = ""


@record
class Ceiling:
    """A newer torch that does not fit here, with the reasons against the best of its builds."""

    torch: str
    build: str
    reasons: tuple[Reason, ...]


@record
class Upgrade:
    """The whole answer. ``status`` is not-installed, newest, upgradable or held.

    ``newest`` is the newest release that the tables know, ``ends`` says where the installed kind of build ends.
    """

    status: str
    torch: str
    build: str
    python: str
    newest: str
    steps: tuple[Step, ...] = ()
    outdated: tuple[Newer, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    ends: str = ""
    shell: str = "bash"
