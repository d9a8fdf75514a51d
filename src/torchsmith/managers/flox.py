"""Flox: an environment from its catalog, which carries torch with CUDA for Linux ready made."""

from __future__ import annotations

from torchsmith.managers import places
from torchsmith.model.action import Command
from torchsmith.model.choice import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place


def steps(option: Option, place: Place) -> Steps:
    """Which releases and which CUDA the catalog has, `flox show` tells."""
    del place
    package = "flox-cuda/python3Packages.torch"
    made = (
        ("flox", "init"),
        ("flox", "install", "python3", f"{package}@{option.candidate.torch}"),
        ("flox", "activate", "--", "python3", "-c", "import torch; print(torch.__version__, torch.cuda.is_available())"),
    )
    told = (f"`flox show {package}` lists the releases of the catalog; CUDA packages are for Linux only",)
    return Steps(tuple(map(Command, made)), made, notes=places.notes(told))
