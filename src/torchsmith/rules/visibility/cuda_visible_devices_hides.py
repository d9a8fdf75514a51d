"""
# CUDA_VISIBLE_DEVICES hides every GPU

## What it means
CUDA shows a program only the GPUs that this variable lists, up to the first entry that names none. Empty, `-1` or an index
beyond the last GPU leaves nothing: "No CUDA GPUs are available", while nvidia-smi lists them all.

## How it is told
The variable's value against the GPUs that NVML lists, by index, UUID or unambiguous beginning of a UUID, or MIG instance. A
list that shows some of the GPUs and ends as it should, or by `-1`, is a choice, and one that goes on behind the last GPU hides
none: there the rule is silent.

## What to do
Unset it, or name a GPU that exists; find out what set it (shell profile, IDE, scheduler, container). CUDA counts the fastest
GPU first, and nvidia-smi by bus address: with unequal GPUs set CUDA_DEVICE_ORDER=PCI_BUS_ID to have the same numbers.

## What not to do
Nothing is wrong with torch or the driver: do not reinstall them.

## Sources
CUDA programming guide, environment variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import VisibleGpus
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Variables
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.rules.common import gpu_names

NAME, ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"


@rule("cuda-visible-devices-hides")
def check(variables: Variables, gpus: Gpus, visible_gpus: VisibleGpus) -> Iterator[Finding]:
    """The list ends before it shows a GPU that is here; a list that ends early hides the rest."""
    value = variables.get(NAME)
    shown, wrong = visible_gpus.shown, visible_gpus.wrong
    # A list that shows some and ends as it should, or by -1, is a choice; one that is longer than the machine hides nothing.
    if value is None or not gpus or (shown and (wrong in {None, "-1"} or len(shown) == len(gpus))):
        return
    summary = f"{NAME}={value!r} hides {gpu_names(gpus)}"
    if shown:
        summary = f"{NAME}={value!r} ends at {wrong!r}, which is no GPU here: only {len(shown)} of {len(gpus)} are shown"
    last = len(gpus) - 1
    choice = "or name a GPU from 0 to " + str(last) if last else "or set it to 0"
    mig = next((uuid for device in gpus for uuid in device.mig_uuids if uuid), "")
    if mig:
        choice = f"or name a MIG instance such as {mig}"
    unequal = len({device.name for device in gpus}) > 1 and not variables.get(ORDER)
    yield Finding(
        Severity.DEGRADED if shown else Severity.BLOCKER,
        "machine",
        summary,
        evidence=(Proof("variables", {NAME: value}), Proof("gpus", gpu_names(gpus))),
        remedies=(
            Remedy(
                f"Unset {NAME}, {choice}",
                f"set {ORDER}=PCI_BUS_ID as well to count as nvidia-smi does" if unequal else "",
                actions=(UnsetVariable(NAME),),
            ),
        ),
        wont_help=(WontHelp("Reinstalling torch or the driver", "both see what the variable shows them"),),
    )


@told("cuda-visible-devices-hides")
def answer(seen: Seen) -> Advice:
    """Who set the variable is asked first."""
    code = seen.has("visible-devices-in-code")
    where = "the line of the program that sets it" if code else "what sets it: the shell, the IDE, the scheduler, the container"
    windows = seen.os == "windows"
    return Advice(
        "machine",
        "CUDA starts and shows the program no GPU: CUDA_VISIBLE_DEVICES probably names none that is here",
        (
            Remedy(
                f"Unset {NAME} or name a GPU that exists (0 for the first), and look for {where}",
                "an empty value, -1 or a number beyond the last GPU hides them all",
                actions=(UnsetVariable(NAME),),
            ),
        ),
        (WontHelp("Reinstalling torch or the driver", "both see what the variable shows them"),),
        (("cmd", "/c", "set", NAME) if windows else ("printenv", NAME), ("nvidia-smi", "-L")),
    )
