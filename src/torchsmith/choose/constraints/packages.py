"""What packages beside torch ask of it: those that are needed, kept, or named by the project, and those that are here."""

from __future__ import annotations

from torchsmith.choose import beside
from torchsmith.choose.constraint import constraint
from torchsmith.model.choice import Candidate, Reason, Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation


@constraint("packages", "torch", "build", "python", "cuda", "cudnn")
def packages(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A package asks for releases of torch, a CUDA major, a Python, a GPU, a platform, and for other packages.

    It rejects where none of the releases that were asked for fits; what is merely installed is a risk.
    """
    return beside.answer("packages", candidate, situation)
