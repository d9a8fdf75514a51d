"""Driver branches: which CUDA a driver supports, which driver a CUDA or a GPU needs.

A driver version is a string, "535.183.01" on Linux and "581.57" on Windows. ``windows`` says whose numbering it is:
inside WSL nvidia-smi shows the Windows driver.
"""

from __future__ import annotations

from functools import lru_cache

from torchsmith.knowledge.compiled.drivers import ROWS
from torchsmith.model.record import record
from torchsmith.model.versions import at_least, key


@record
class Branch:
    """A driver branch: the newest CUDA that it supports and the GPUs that it knows."""

    name: str
    max_cuda: str
    first_linux: str
    windows_major_from: int
    windows_major_to: int
    oldest_sm: int
    newest_sm: int


_BRANCHES: list[Branch] = []


def branches() -> tuple[Branch, ...]:
    """All known branches, oldest first."""
    if not _BRANCHES:
        _BRANCHES.extend(Branch(*row) for row in ROWS)
    return tuple(_BRANCHES)


def branch(version: str, *, windows: bool) -> Branch | None:
    """The branch that a driver belongs to; None for one that the table does not list."""
    major = key(version)[:1]
    for known in branches():
        if windows and major and known.windows_major_from <= major[0] <= known.windows_major_to:
            return known
        if not windows and major == key(known.name):
            return known
    return None


@lru_cache(1024)
def branch_at_least(version: str, *, windows: bool) -> Branch | None:
    """The newest known branch not newer than the driver: what it supports at the least. None below the first."""
    major = key(version)[:1]
    lower = [known for known in branches() if major and (known.windows_major_from if windows else key(known.name)[0]) <= major[0]]
    return lower[-1] if lower else None


def max_cuda(version: str, *, windows: bool) -> str | None:
    """The newest CUDA that the driver supports, as nvidia-smi prints it; None for an unlisted branch."""
    found = branch(version, windows=windows)
    return found.max_cuda if found else None


def floor(cuda_major: int, *, windows: bool) -> str | None:
    """The lowest driver that runs a CUDA major by minor-version compatibility; None before 11, which had none."""
    from torchsmith.knowledge.compiled import compat_rules

    floors = compat_rules.DRIVER_FLOOR_WINDOWS if windows else compat_rules.DRIVER_FLOOR_LINUX
    return dict(floors).get(cuda_major)


def needed(cuda: str, *, windows: bool) -> str | None:
    """The lowest driver that runs a build of this CUDA: its major's floor; before 11 the driver of that very toolkit."""
    from torchsmith.knowledge.compiled import compat_rules

    numbers = key(cuda)
    if len(numbers) < 2 or numbers[0] >= 11:
        return floor(numbers[0], windows=windows) if numbers else None
    before = compat_rules.DRIVER_BEFORE_11_WINDOWS if windows else compat_rules.DRIVER_BEFORE_11_LINUX
    return dict(before).get(f"{numbers[0]}.{numbers[1]}")


def first_for(cuda: str, *, windows: bool) -> str | None:
    """The driver that came with a toolkit ("12.8", "12.8.1"): the first to support it without compatibility."""
    from torchsmith.knowledge.compiled.cuda_toolkits import ROWS as TOOLKITS

    minor = key(cuda)[:2]
    for version, linux, windows_driver, *_rest in TOOLKITS:
        shipped = windows_driver if windows else linux
        if key(version)[:2] == minor and shipped:
            return shipped
    # No driver number is published for Windows with CUDA 13: the first major of the branch is known all the same.
    for known in branches():
        if key(known.max_cuda)[:2] == minor:
            return str(known.windows_major_from) if windows else known.first_linux
    return None


def floor_for_sm(sm: int, *, windows: bool) -> str | None:
    """The lowest driver that knows a GPU of this compute capability; None if no listed branch does."""
    from torchsmith.knowledge.compiled import compat_rules

    floors = compat_rules.GPU_DRIVER_FLOOR_WINDOWS if windows else compat_rules.GPU_DRIVER_FLOOR_LINUX
    exact = dict(floors).get(sm)
    if exact:
        return exact
    for known in branches():
        if known.oldest_sm <= sm <= known.newest_sm:
            return str(known.windows_major_from) if windows else known.first_linux
    return None


def last_branch_for_sm(sm: int) -> str | None:
    """The last driver branch that serves a GPU of this compute capability; None while all newer ones do."""
    from torchsmith.knowledge.compiled import compat_rules
    from torchsmith.knowledge.compiled.cuda_archs import ROWS as ARCHS

    last = dict(compat_rules.LAST_DRIVER_BRANCH)
    for known, architecture, _first, _last in ARCHS:
        if known == sm:
            return last.get(architecture.partition(" ")[0])
    return None


def runs_natively(version: str, cuda: str, *, windows: bool) -> bool:
    """Whether the driver is as new as the CUDA. An unlisted branch is judged by the listed one below it."""
    found = branch_at_least(version, windows=windows)
    return found is not None and at_least(found.max_cuda, ".".join(map(str, key(cuda)[:2])))


def runs(version: str, cuda: str, *, windows: bool) -> bool:
    """Whether the driver runs an application of this CUDA, natively or by minor-version compatibility."""
    if runs_natively(version, cuda, windows=windows):
        return True
    lowest = floor(key(cuda)[0], windows=windows) if key(cuda) else None
    return lowest is not None and at_least(version, lowest)


def serves(version: str, sm: int, *, windows: bool) -> bool:
    """Whether the driver knows a GPU of this compute capability: neither too new for it nor already dropped."""
    found = branch_at_least(version, windows=windows)
    if found is None:
        return False
    last = last_branch_for_sm(sm)
    if last is not None and key(found.name) > key(last):
        return False
    lowest = floor_for_sm(sm, windows=windows)
    return lowest is not None and at_least(version, lowest)
