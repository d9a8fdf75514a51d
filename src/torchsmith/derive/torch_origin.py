"""How torch came here, in one piece: what an installer, a lock file, other packages and conda have noted of it."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model.facts.install import LockedTorch, TorchInstall, TorchOrigin, TorchPins
from torchsmith.model.facts.python import Packages
from torchsmith.model.known import Unknown


@derivation
def torch_origin(
    packages: Packages,
    torch_install: TorchInstall | Unknown | None,
    locked_torch: LockedTorch | Unknown | None,
    torch_pins: TorchPins | Unknown | None,
) -> TorchOrigin:
    """What could not be read counts as not noted: these are hints, and none decides alone."""
    return TorchOrigin(
        torch_install if isinstance(torch_install, TorchInstall) else None,
        locked_torch if isinstance(locked_torch, LockedTorch) else None,
        torch_pins.pins if isinstance(torch_pins, TorchPins) else (),
        packages.conda_record("pytorch") is not None or packages.conda_record("libtorch") is not None,
    )
