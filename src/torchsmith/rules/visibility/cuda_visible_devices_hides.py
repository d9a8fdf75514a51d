"""
# CUDA_VISIBLE_DEVICES hides every GPU

## What it means
CUDA shows a program only the GPUs that this variable lists, up to the first entry that names none. Empty, `-1` or an index beyond the
last GPU leaves nothing: "No CUDA GPUs are available", while nvidia-smi lists them all.

## How it is told
The variable's value against the GPUs that NVML lists, by index, UUID or unambiguous beginning of a UUID.

## What to do
Unset it, or name a GPU that exists; find out what set it (shell profile, IDE, scheduler, container).

## What not to do
Nothing is wrong with torch or the driver: do not reinstall them.

## Sources
CUDA programming guide, environment variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule
from torchsmith.model.action import UnsetVariable
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Variables
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.rules.common import gpu_names

NAME = "CUDA_VISIBLE_DEVICES"


@rule("cuda-visible-devices-hides", explains=("scheduler-no-gpu-allocated",))
def check(variables: Variables, gpus: Gpus) -> Iterator[Finding]:
    """The list ends before it shows a GPU that is here; a list that ends early hides the rest."""
    value = variables.get(NAME)
    if value is None or not gpus:
        return
    shown, wrong = visible(value, gpus)
    if shown and wrong is None:
        return
    summary = f"{NAME}={value!r} hides {gpu_names(gpus)}"
    if shown:
        summary = f"{NAME}={value!r} ends at {wrong!r}, which is no GPU here: only {len(shown)} of {len(gpus)} are shown"
    yield Finding(
        Severity.DEGRADED if shown else Severity.BLOCKER,
        "machine",
        summary,
        evidence=(Proof("variables", {NAME: value}), Proof("gpus", gpu_names(gpus))),
        remedies=(Remedy(f"Unset {NAME}, or name a GPU from 0 to {len(gpus) - 1}", actions=(UnsetVariable(NAME),)),),
        wont_help=(WontHelp("Reinstalling torch or the driver", "both see what the variable shows them"),),
    )


def visible(value: str, gpus: Gpus) -> tuple[list[int], str | None]:
    """The indexes that CUDA shows for a value of the variable, and the entry that ended the list, if one did.

    An entry twice in the list hides all, as CUDA does; MIG entries are taken as they are.
    """
    shown: list[int] = []
    for entry in value.split(","):
        name = entry.strip()
        if name.upper().startswith("MIG"):
            shown.append(len(shown))
            continue
        if name.isdigit():
            index = int(name) if int(name) < len(gpus) else None
        else:
            matching = [d.index for d in gpus if d.uuid and len(name) > 4 and d.uuid.lower().startswith(name.lower())]
            unnamed = any(not d.uuid for d in gpus) and name.upper().startswith("GPU-")
            index = len(shown) if unnamed else matching[0] if len(matching) == 1 else None
        if index is None:
            return shown, name
        if index in shown:
            return [], name
        shown.append(index)
    return shown, None
