"""Which GPUs CUDA_VISIBLE_DEVICES leaves, by CUDA's own rules."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model.facts.driver import VisibleGpus
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Variables

NAME = "CUDA_VISIBLE_DEVICES"


@derivation
def visible_gpus(variables: Variables, gpus: Gpus) -> VisibleGpus:
    """All of them where the variable is not set."""
    value = variables.get(NAME)
    return VisibleGpus(tuple(device.index for device in gpus)) if value is None else visible(value, gpus)


def visible(value: str, gpus: Gpus) -> VisibleGpus:
    """What CUDA shows for a value: entries up to the first that names no GPU; one twice in the list hides all.

    An entry is an index, a UUID or its unambiguous beginning, or a MIG instance, which is believed where NVML lists none.
    """
    shown: list[int] = []
    mig = 0
    for entry in value.split(","):
        name = entry.strip()
        if name.upper().startswith("MIG"):
            owner = _mig_owner(name, gpus)
            if owner is None:
                return VisibleGpus(tuple(shown), name, mig)
            mig += 1
            if owner not in shown:
                shown.append(owner)
            continue
        index = _index(name, gpus, shown)
        if index is None:
            return VisibleGpus(tuple(shown), name, mig)
        if index in shown:
            return VisibleGpus((), name, mig)
        shown.append(index)
    return VisibleGpus(tuple(shown), None, mig)


def _index(name: str, gpus: Gpus, shown: list[int]) -> int | None:
    """The GPU of one entry: a plain index, or the unambiguous beginning of a UUID; None for what names no GPU here."""
    if name.isascii() and name.isdigit():
        return int(name) if int(name) < len(gpus) else None
    if not name.upper().startswith("GPU-"):
        return None
    if any(not device.uuid for device in gpus):
        return next((device.index for device in gpus if device.index not in shown), None)
    matching = [device.index for device in gpus if (device.uuid or "").lower().startswith(name.lower())]
    return matching[0] if len(matching) == 1 else None


def _mig_owner(name: str, gpus: Gpus) -> int | None:
    """The GPU that a MIG entry belongs to: ``MIG-<uuid>``, or before driver 470 ``MIG-GPU-<uuid>/1/0``."""
    lower = name.lower()
    for device in gpus:
        if any(uuid.lower().startswith(lower) for uuid in device.mig_uuids) and len(name) > 4:
            return device.index
        if device.uuid and lower.startswith(f"mig-{device.uuid.lower()}/"):
            return device.index
    unlisted = [device.index for device in gpus if device.mig and not any(device.mig_uuids) and device.mig_instances != 0]
    return unlisted[0] if unlisted else None
