"""The NumPy that a build works with: one that was built against NumPy 1 fails with 2; the other way round works."""

from __future__ import annotations

from torchsmith.choose import beside
from torchsmith.choose.constraint import constraint
from torchsmith.model.choice import Candidate, Reason, Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation


@constraint("numpy", "torch", "build", "kind", "platform", "python", "cuda", "cudnn", when=beside.asks)
def numpy(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """The NumPy that is kept or needed, by itself or by a package, must be one that the build works with.

    Where an installed NumPy may move, that it does is a risk.
    """
    return beside.answer("numpy", candidate, situation)
