"""
# The processor lacks instructions that torch uses

## What it means
torch's x86-64 wheels take the best of what the processor has, and some of their code takes more for granted than every
processor offers. Without SSE4 the import itself ends in "Illegal instruction". Without AVX2, quantised operations refuse ("Your
CPU does not support FBGEMM") and the rest is slow. In a virtual machine it is often not the processor, but what the hypervisor
shows of it.

## How it is told
The kernel's list of processor features, as x86-64 microarchitecture levels: 2 has SSE4.2, 3 has AVX2.

## What to do
In a virtual machine, show the guest the host's processor (`-cpu host`, type "host" in Proxmox, EVC off). On a real one that
old, build torch for it or use another machine.

## What not to do
Reinstalling torch: every wheel of it is built for the same processors.

## Sources
x86-64 psABI, microarchitecture levels; pytorch issues 94021, 116623, 37577.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.system import Cpu
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.libraries.told import by_you


@rule("cpu-isa-too-old", systems=("linux",))
def check(cpu: Cpu, torch: Torch, interpreter: Interpreter | Unknown) -> Iterator[Finding]:
    """Level 1 stops the import; without AVX it may; without AVX2 it is a note."""
    if cpu.avx2:
        return
    lacks = "SSE4.2" if cpu.level < 2 else "AVX2" if cpu.avx else "AVX"
    severity, sure = {"SSE4.2": (Severity.BLOCKER, 0.75), "AVX": (Severity.DEGRADED, 0.5), "AVX2": (Severity.NOTE, 0.8)}[lacks]
    python = interpreter.executable if isinstance(interpreter, Interpreter) else "python"
    host = Remedy(
        "Show the virtual machine the host's processor",
        "its hypervisor leaves features out; the host most likely has them",
        Safety.DISPLAY_ONLY,
    )
    other = Remedy(
        "Use another machine, or build torch for this processor",
        "with USE_FBGEMM=0 and without AVX2",
        Safety.DISPLAY_ONLY,
    )
    says = {
        "SSE4.2": "`import torch` ends in an illegal instruction",
        "AVX": "some operations of torch end in an illegal instruction or refuse",
        "AVX2": "quantised operations refuse and others are slow",
    }
    yield Finding(
        severity,
        "machine",
        f"the processor lacks {lacks}: {says[lacks]}",
        evidence=(
            Proof(
                "cpu", f"{cpu.model or 'x86-64'}: level x86-64-v{cpu.level}" + (", shown by a hypervisor" if cpu.virtual else "")
            ),
            Proof("torch", torch.version),
        ),
        remedies=(host, other) if cpu.virtual else (other,),
        wont_help=(WontHelp("Reinstalling torch", "every wheel is built for the same processors"),),
        confidence=sure,
        decide_by=((python, "-c", "import torch; torch.ones(2, 2) @ torch.ones(2, 2)"),) if sure < 0.8 else (),
    )


@told("cpu-isa-too-old")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    virtual = seen.has("avx-missing-in-flags")
    return Advice(
        "machine",
        "the program was compiled for instructions (AVX, AVX2 or FMA) that this processor does not have"
        + (", or that its hypervisor hides" if virtual else ""),
        remedies=(
            by_you("On a virtual machine: show it the host's processor (CPU type host)", "the host most likely has them"),
            by_you("Else another machine, an older release, or a build from source for this processor"),
        ),
        wont_help=(
            WontHelp("Reinstalling torch", "every wheel is built for the same processors"),
            WontHelp("Another CUDA or driver", "the instruction is one of the processor, not of the GPU"),
        ),
        decide_by=(("lscpu",),),
    )
