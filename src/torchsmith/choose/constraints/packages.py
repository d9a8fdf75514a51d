"""What packages beside torch ask of it: those that are needed, kept, or named by the project, and those that are here."""

from __future__ import annotations

from torchsmith.choose import beside
from torchsmith.choose.constraint import constraint
from torchsmith.knowledge import companions, third_party
from torchsmith.model.choice import Candidate, Reason, Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation


@constraint("packages", "torch", "build", "kind", "platform", "python", "cuda", "cudnn", when=beside.asks)
def packages(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A package asks for releases of torch, a CUDA major, a Python, a GPU, a platform, and for other packages.

    It rejects where none of the releases that were asked for fits; what is merely installed is a risk.
    """
    return beside.answer("packages", candidate, situation)


@constraint("packages", "torch", "python", when=lambda situation: beside.question(situation).fresh)
def left_out(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A new environment has torchvision beside torch, unless that has no wheels for its Python."""
    del situation
    own = companions.for_torch(candidate.torch)
    row = third_party.requirement("torchvision", own.torchvision) if own else None
    if own is None or row is None or third_party.fits(row.python_spec or "", candidate.python.rstrip("t")):
        return None
    return Risk(f"torchvision {own.torchvision} has no wheels for Python {candidate.python}: it is left out", 0.1)
