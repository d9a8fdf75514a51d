"""
# The GPU reports a hardware fault

## What it means
The card fell off the bus, its memory or its firmware failed, or the driver lost it: "GPU is lost", "Unable to determine the
device handle", "ERR!" in nvidia-smi, Xid 79, 48, 62, 74, 94, 95, 119 ... in the kernel's log.

## How it is told
NVML's status (15 GPU is lost, 16 requires reset), for the whole driver or for one GPU, nvidia-smi's words, and Xid messages of
the kernel that speak of the card itself. Xid codes that a faulty program can cause (13, 31, 43, 45) do not count.

## What to do
Save the log, power the machine off completely, reseat the card and its power cables, watch temperature and power supply. If it
comes back, have the card replaced.

## What not to do
Reinstalling torch, CUDA or the driver.

## Sources
NVML API reference; NVIDIA, "XID Errors" (`torchsmith.knowledge.statuses`).
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import statuses
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.driver import NVML, DriverState, KernelLog
from torchsmith.model.facts.gpu import NvidiaLibraries, NvidiaSmi
from torchsmith.model.finding import Finding, Proof, Severity
from torchsmith.model.known import Unknown
from torchsmith.model.pattern import pattern
from torchsmith.rules.driver.shared import NOT_TORCH, by_you, logged

LOST = {15: "GPU is lost", 16: "GPU requires a reset", 8: "external power is not connected", 14: "the infoROM is corrupted"}
WORDS = ("gpu is lost", "unable to determine the device handle", "fallen off the bus", "reboot the system to recover", "err!")
XID = pattern(r"Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)")


@rule(
    "gpu-hardware-fault",
    explains=("cuda-does-not-start", "gpu-init-failed-bios-bar", "no-nvidia-gpu", "uvm-broken-after-suspend"),
)
def check(
    driver_state: DriverState,
    nvidia_libraries: NvidiaLibraries | Unknown,
    nvidia_smi: NvidiaSmi | Unknown | None,
    kernel_log: KernelLog | Unknown | None,
) -> Iterator[Finding]:
    """Each witness that names a fault of the card."""
    evidence: list[Proof] = []
    where, what = "driver", ""
    if isinstance(nvidia_libraries, NvidiaLibraries):
        nvml = nvidia_libraries.nvml
        if nvml.status in LOST:
            what = LOST[nvml.status]
            evidence.append(Proof("nvidia_libraries", f"NVML status {nvml.status}: {nvml.message or what}"))
        for index, status in nvml.failed:
            if status in {*LOST, 999}:
                where, what = f"gpu:{index}", LOST.get(status, statuses.nvml_name(status))
                evidence.append(Proof("nvidia_libraries", f"GPU {index}: NVML status {status}: {what}"))
    if isinstance(nvidia_smi, NvidiaSmi) and any(word in nvidia_smi.failure.lower() for word in WORDS):
        what = what or "the driver lost the GPU"
        evidence.append(Proof("nvidia_smi", nvidia_smi.failure))
    for _, code, line in xids(kernel_log):
        what = what or statuses.XIDS[code]
        evidence.append(Proof("kernel_log", line))
    fallen = logged(kernel_log, "fallen off the bus")
    if fallen and not any(proof.value == fallen for proof in evidence):
        what = what or "the GPU has fallen off the bus"
        evidence.append(Proof("kernel_log", fallen))
    if not evidence:
        return
    subject = f"GPU {where.partition(':')[2]}" if where != "driver" else "a GPU"
    yield Finding(
        Severity.BLOCKER,
        where,
        f"{subject} reports a hardware fault: {what}",
        evidence=tuple(evidence[:6]),
        remedies=(
            by_you("Power the machine off completely, reseat the card and its cables, check cooling and power"),
            by_you("Where a reboot is not at hand, try a reset of the GPU", "", ("sudo", "nvidia-smi", "--gpu-reset")),
            by_you(
                "If it comes back, have the card replaced",
                "nvidia-bug-report collects what the maker asks for",
                ("sudo", "nvidia-bug-report.sh"),
            ),
        ),
        wont_help=(NOT_TORCH,),
        confidence=0.9 if driver_state.stage == NVML or where != "driver" else 0.8,
    )


def xids(log: KernelLog | Unknown | None) -> list[tuple[str, int, str]]:
    """Address, code and line of the Xid messages that speak of the hardware, each code of a card once, the last first."""
    found: dict[tuple[str, int], str] = {}
    for line in log.lines if isinstance(log, KernelLog) else ():
        matched = XID.search(line)
        if matched and int(matched[2]) in statuses.XIDS:
            found[matched[1], int(matched[2])] = line
    return [(address, code, line) for (address, code), line in reversed(found.items())]


@told("gpu-hardware-fault")
def answer(seen: Seen) -> Advice:
    """What nvidia-smi or the kernel says of the card."""
    number = next(filter(None, (seen.captured(name, "xid") for name in ("xid", "number", "other", "more"))), "")
    what = statuses.XIDS.get(int(number), "") if number else ""
    return Advice(
        "gpu",
        "the GPU reports a fault of its hardware" + (f" (Xid {number}{': ' + what if what else ''})" if number else ""),
        remedies=(
            by_you("Power the machine off completely, reseat the card and its cables, check cooling and power"),
            by_you("Where a reboot is not at hand, try a reset of the GPU", "", ("sudo", "nvidia-smi", "--gpu-reset")),
            by_you(
                "If it comes back, have the card replaced",
                "nvidia-bug-report collects what the maker asks for",
                ("sudo", "nvidia-bug-report.sh"),
            ),
        ),
        wont_help=(NOT_TORCH,),
        decide_by=(("sudo", "dmesg"), ("nvidia-smi", "-q")),
    )
