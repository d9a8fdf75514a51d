"""Two settings of Windows that decide over torch: long paths and the page file."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.system import WindowsSettings
from torchsmith.model.known import Fact, Known, Unknown

LONG_PATHS = r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem"
MEMORY = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management"


@probe
def windows_settings(host: Host, machine: Machine) -> Fact[WindowsSettings | None]:
    """Ask the registry."""
    if machine.os != "windows":
        return Known(None, "not Windows")
    long, pages = host.registry(LONG_PATHS, "LongPathsEnabled"), host.registry(MEMORY, "PagingFiles")
    if isinstance(long, Unknown) and isinstance(pages, Unknown):
        return long
    enabled = bool(long.value) if isinstance(long, Known) else None
    files = parse_page_files(pages.value) if isinstance(pages, Known) else None
    return Known(WindowsSettings(enabled, files), f"{LONG_PATHS}, {MEMORY}")


def parse_page_files(value: object) -> tuple[tuple[str, int, int], ...] | None:
    r"""``?:\pagefile.sys`` (Windows decides), ``C:\pagefile.sys 1024 4096``; an empty list switches paging off.

    None for what is not a list of these.
    """
    if not isinstance(value, list | tuple):
        return None
    files = []
    for line in value:
        found = re.fullmatch(r"(.+?)(?:\s+(\d+)\s+(\d+))?", str(line).strip())
        if found:
            files.append((found[1], int(found[2] or 0), int(found[3] or 0)))
    return tuple(files)
