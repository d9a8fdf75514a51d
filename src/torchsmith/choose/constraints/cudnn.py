"""The cuDNN major that other packages open: they meet the one that torch brings."""

from __future__ import annotations

from torchsmith.choose import beside
from torchsmith.choose.constraint import constraint
from torchsmith.model.choice import Candidate, Reason, Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation


@constraint("cudnn", "torch", "build", "kind", "platform", "python", "cuda", "cudnn", when=beside.asks)
def cudnn(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """Up to torch 2.3 it is cuDNN 8, from 2.4 on cuDNN 9; both majors in one process are one too many."""
    return beside.answer("cudnn", candidate, situation)
