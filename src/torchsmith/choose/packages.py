"""The packages that come with a build: torch itself and the companions that belong to its release."""

from __future__ import annotations

from torchsmith.knowledge import companions
from torchsmith.model.choice import Candidate, Pin


def pins(candidate: Candidate) -> tuple[Pin, ...]:
    """Torch and its companions, each from the index that serves the build."""
    belonging = companions.for_torch(candidate.torch)
    names = (("torchvision", belonging.torchvision), ("torchaudio", belonging.torchaudio)) if belonging else ()
    return tuple(Pin(name, version, candidate.index) for name, version in (("torch", candidate.torch), *names))
