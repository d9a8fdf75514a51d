"""Whether a model fits into the memory of GPUs: what it needs, what is free, the verdict for each."""

from __future__ import annotations

from torchsmith.model.record import record

USES = ("inference", "training", "lora")


@record
class Part:
    """One part of a need, as a range in MiB: weights, keys and values, context ..."""

    name: str
    low: int
    high: int


@record
class Need:
    """What one way to run a model takes, in MiB.

    ``basis`` says in one sentence how the range is known, ``sources`` are keys of ``torchsmith facts sources``; ``measured``
    is True where somebody measured this very model and program.
    """

    model: str
    implementation: str
    number_type: str
    use: str
    low: int
    high: int
    basis: str
    sources: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    measured: bool = False
    notes: tuple[str, ...] = ()


@record
class Room:
    """The memory of one GPU in MiB, as a range where nobody measured what is free; None where nobody could tell.

    ``basis`` says how it is known.
    """

    index: int
    gpu: str
    total: int | None
    low: int | None
    high: int | None
    basis: str


@record
class Fit:
    """One need on one GPU: fits, tight (the low end does, the high end may not), does-not-fit or unknown."""

    need: Need
    room: Room
    verdict: str


@record
class Claim:
    """A figure that goes around, beside what was measured: ``because`` says how it compares."""

    text: str
    source: str


@record
class ModelFit:
    """The whole answer. ``advice`` says what would make it fit, the least change first."""

    asked: str
    model: str
    needs: tuple[Need, ...]
    fits: tuple[Fit, ...]
    rooms: tuple[Room, ...]
    verdict: str
    advice: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    remarks: tuple[str, ...] = ()
