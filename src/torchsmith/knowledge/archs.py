"""GPU code and the GPUs that run it. Codes are written as nvcc writes them: sm_90, sm_90a, sm_100f, compute_90."""

from __future__ import annotations

from functools import lru_cache

from torchsmith.knowledge.compiled import compat_rules
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record
from torchsmith.model.versions import at_least

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.model.gpu_code import Group

_CODE = pattern(r"(?:sm_|compute_)?(\d{2,3})([af]?)")


@record
class Code:
    """A parsed architecture code: ``sm_100f`` is (100, "f")."""

    sm: int
    suffix: str


@lru_cache(512)
def parse_code(code: str) -> Code | None:
    """The parts of an architecture code; None if it is not written like one."""
    matched = _CODE.fullmatch(code.strip())
    return Code(int(matched[1]), matched[2]) if matched else None


def sass_runs_on(code: str, device: int, cuda: str | None = None) -> bool:
    """Whether machine code for ``code`` runs on a device.

    ``cuda`` is the toolkit that made it: from 13.2 on, server code of 7.x and 8.x runs on Tegra too. Without it the
    older, narrower rule holds. A code that cannot be read runs nowhere.
    """
    parsed = parse_code(code)
    if parsed is None:
        return False
    if parsed.suffix:
        return _suffixed_runs_on(parsed, device)
    newer = compat_rules.SASS_EXCEPTIONS_13_2 if cuda is not None and at_least(cuda, "13.2") else ()
    for sm, devices in (*newer, *compat_rules.SASS_EXCEPTIONS):
        if sm == parsed.sm:
            return device in devices
    return device // 10 == parsed.sm // 10 and device >= parsed.sm


def ptx_runs_on(code: str, device: int) -> bool:
    """Whether PTX for ``code`` can be compiled for a device, given a driver as new as the toolkit that wrote it."""
    parsed = parse_code(code)
    if parsed is None:
        return False
    return _suffixed_runs_on(parsed, device) if parsed.suffix else device >= parsed.sm


def count(groups: Iterable[Group], device: int, cuda: str | None = None) -> tuple[int, int, int]:
    """How many kernel groups there are, how many have SASS for a device, and how many of the others have PTX for it.

    A container without SASS and PTX (LTO code alone) and a device link's stub hold nothing to run, and are no kernel groups.
    """
    total = native = jit = 0
    for group in groups:
        if group.stub or not (group.sass or group.ptx):
            continue
        total += group.count
        if any(sass_runs_on(code, device, cuda) for code in group.sass):
            native += group.count
        elif any(ptx_runs_on(code, device) for code in group.ptx):
            jit += group.count
    return total, native, jit


def toolkit_range(sm: int) -> tuple[str, str | None] | None:
    """The first and the last toolkit that make code for a compute capability; None as the last while it is alive."""
    from torchsmith.knowledge.compiled.cuda_archs import ROWS

    for known, _architecture, first, last in ROWS:
        if known == sm:
            return first, last
    return None


def architecture(sm: int) -> str | None:
    """The architecture's name, such as "Ada"; None for an unknown compute capability."""
    from torchsmith.knowledge.compiled.cuda_archs import ROWS

    for known, name, _first, _last in ROWS:
        if known == sm:
            return name.partition(" (")[0]
    return None


def _suffixed_runs_on(code: Code, device: int) -> bool:
    if code.suffix == "a":
        return device == code.sm
    return device in dict(compat_rules.FAMILIES).get(code.sm, (code.sm,))
