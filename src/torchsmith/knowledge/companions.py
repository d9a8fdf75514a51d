"""The packages that belong to a torch release, and the torch that they ask for."""

from __future__ import annotations

from functools import lru_cache

from torchsmith.knowledge.compiled.companions import ROWS
from torchsmith.model.record import record
from torchsmith.model.versions import public


@record
class Companions:
    """What belongs to a torch release: versions, and for triton, xformers and torchcodec version specifiers."""

    torch: str
    torchvision: str
    torchaudio: str
    torchtext: str | None
    """None once torchtext had ended (0.18.0)."""
    triton_spec: str | None
    triton_windows_series: str | None
    xformers_spec: str | None
    torchcodec_spec: str | None


@lru_cache(1024)
def for_torch(torch: str) -> Companions | None:
    """The companions of a torch release; None for an unlisted one."""
    wanted = public(torch)
    return next((Companions(*row) for row in ROWS if row[0] == wanted), None)


def torch_for(package: str, version: str) -> str | None:
    """The torch that a torchvision or torchaudio release asks for, as a specifier: "==2.9.1", ">=2.14.0".

    Empty if it asks for none; None if the release is not listed.
    """
    from torchsmith.knowledge.compiled.companion_requirements import ROWS as REQUIREMENTS

    wanted = (package, public(version))
    return next((spec or "" for name, listed, spec, _tags in REQUIREMENTS if (name, listed) == wanted), None)
