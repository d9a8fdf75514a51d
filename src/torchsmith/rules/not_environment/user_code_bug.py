"""
# The program has a fault of its own

## What it means
A kernel ran and found its input wrong (an index, a label, an address), or Python code failed by itself. The environment works: it
is what told of the fault.

## How it is told
torch reports a device-side assert, an index out of bounds, an illegal memory access, shapes, types or devices that do not go
together; a traceback ends in an error of plain Python; a model or data file is not where the program looks for it.

## What to do
Run once with CUDA_LAUNCH_BLOCKING=1, or on the CPU: the traceback then names the line. Look there at label ranges, embedding
sizes and indices.

## What not to do
Reinstalling torch, CUDA or the driver changes no label.

## Sources
torch's documentation on asynchronous execution and its debugging.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp

WONT_HELP = (WontHelp("Reinstalling torch, CUDA or the driver", "they work: it is they that report the fault"),)
KERNELS = ("device-side-assert", "kernel-assertion", "illegal-memory-access", "launch-failure", "launch-configuration")
ADVICE = (
    ("tensors-on-two-devices", "Move model and data to one device", "the message names the two that met"),
    (
        "cuda-in-forked-process",
        "Start processes with spawn",
        "torch.multiprocessing.set_start_method('spawn'), or no CUDA before the fork",
    ),
    (
        "main-guard-missing",
        "Put the program's start under `if __name__ == '__main__':`",
        "Windows and macOS start workers by importing it",
    ),
    ("port-in-use", "Use another port, or end the process that holds it", "for torchrun: --master-port"),
    ("checkpoint-unreadable", "Fetch the file anew, and compare its size", "a download that broke off is the usual reason"),
    ("model-or-file-not-there", "Check the path or the model's name, and the rights to fetch it", "nothing is installed wrongly"),
    ("not-a-number", "Lower the learning rate, look for empty inputs, or compute in float32", "half precision overflows early"),
    ("kernel-needs-more-shared-memory", "Use smaller blocks or fewer stages for this kernel", "this GPU has less on-chip memory"),
    ("worker-killed", "Set num_workers=0 once", "the worker's own error is then shown"),
)


@told("user-code-bug")
def answer(seen: Seen) -> Advice:
    """How to find the line; the rest is the program's own affair."""
    first = seen.first(*KERNELS)
    if first:
        check = seen.captured("check", "kernel-assertion")
        named = f" (it checked: {check})" if check else ""
        return Advice(
            "program",
            f"The program hands the GPU data that its kernels refuse{named}; the environment is not at fault",
            remedies=(
                Remedy(
                    "Run once with CUDA_LAUNCH_BLOCKING=1",
                    "the traceback then names the operation that failed, not a later one",
                    actions=(SetVariable("CUDA_LAUNCH_BLOCKING", "1"),),
                ),
                Remedy("Run the same step on the CPU", "its message names the index and the range", Safety.DISPLAY_ONLY),
            ),
            wont_help=WONT_HELP,
        )
    known = next(((title, why) for signature, title, why in ADVICE if seen.has(signature)), None)
    remedies = (Remedy(known[0], known[1], Safety.DISPLAY_ONLY),) if known else ()
    if not known:
        remedies = (Remedy("Look at the line of your own code that the traceback names last", safety=Safety.DISPLAY_ONLY),)
    return Advice("program", "The program fails by its own code or data; the environment is not at fault", remedies, WONT_HELP)
