"""The Python that a wheel was made for."""

from __future__ import annotations

from torchsmith.choose.constraint import constraint
from torchsmith.model.choice import Candidate, Reason, Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation

SOURCE = "the wheel tags: torchsmith facts torch_builds"


@constraint("python", "python")
def python(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A wheel serves the one Python that its tag names."""
    if situation.python is None:
        return Risk("which Python is here is not known")
    if candidate.python == situation.python:
        return None
    return Reason(
        "python", f"it is for Python {candidate.python}, and {situation.python} is here", SOURCE, f"python {candidate.python}"
    )
