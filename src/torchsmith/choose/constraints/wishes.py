"""What was asked for."""

from __future__ import annotations

from torchsmith.choose.constraint import constraint
from torchsmith.model import pep440
from torchsmith.model.choice import Candidate, Reason, Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation


@constraint("torch", "torch", "build")
def torch(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """``--torch``: the versions that are wanted; a local label names the build."""
    wanted = situation.wishes.torch
    if not wanted or pep440.allows(wanted, candidate.version):
        return None
    return Reason("torch", f"torch{wanted} was asked for", "--torch", f"torch without {wanted}")
