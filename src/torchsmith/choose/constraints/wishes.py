"""What was asked for."""

from __future__ import annotations

from torchsmith.choose.constraint import constraint
from torchsmith.model import pep440, specifiers
from torchsmith.model.choice import Candidate, Reason, Risk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation


@constraint("torch", "torch", "build", when=lambda situation: bool(situation.wishes.torch))
def torch(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """``--torch``: the versions that are wanted; a local label names the build."""
    wanted = situation.wishes.torch
    if specifiers.wished(wanted, candidate.version):
        return None
    named = wanted if wanted[0] in "<>=!~" else f" {wanted}"
    early = any(pep440.is_prerelease(clause.lstrip("<>=!~")) for clause in wanted.split(","))
    note = "; release candidates and nightlies are not listed here" if early else ""
    return Reason("torch", f"torch{named} was asked for{note}", "--torch", f"torch without {wanted}")
