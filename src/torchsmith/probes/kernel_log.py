"""The kernel's own words about a driver that fails; read only where one does, and only if this user may."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.driver import NONE, WORKS, DriverState, KernelLog
from torchsmith.model.facts.gpu import NvidiaLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

WORDS = (
    "nvrm",
    "nvidia",
    "nouveau",
    "novacore",
    "nova_core",
    "xid (",
    "required key not available",
    "unsigned module",
    "module verification",
    "pm: suspend exit",
)


@probe
def kernel_log(
    host: Host, machine: Machine, driver_state: DriverState, nvidia_libraries: NvidiaLibraries | Unknown
) -> Fact[KernelLog | None]:
    """Read /dev/kmsg without waiting, else journalctl."""
    if machine.os != "linux" or machine.wsl:
        return Known(None, "only Linux has such lines")
    lost = isinstance(nvidia_libraries, NvidiaLibraries) and bool(nvidia_libraries.nvml.failed)
    if driver_state.stage == NONE or (driver_state.stage == WORKS and not lost):
        return Known(None, "not asked: no driver fails here")
    answer = host.kernel_log(*WORDS)
    return Known(KernelLog(tuple(answer.value)), answer.source) if isinstance(answer, Known) else answer
