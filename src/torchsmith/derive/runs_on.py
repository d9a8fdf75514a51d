"""How the GPU code of one binary serves one GPU: native, compiled by the driver when first used, or not at all."""

from __future__ import annotations

from torchsmith.knowledge import archs, toolkits
from torchsmith.model.inspection import RunsOn
from torchsmith.model.versions import at_least, compute_capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.model.facts.gpu import Device
    from torchsmith.model.gpu_code import GpuCode, Group

GENERAL = 0.75
"""A kernel group that serves this share of the GPUs that its library names is made for all of them; a library of which this share
of the groups is, too."""

ENOUGH = 0.05
"""The share of kernel groups for a GPU with which a specialised library supports it: cuBLASLt 13 has 0.09 for 7.5, which it
supports, and cuSPARSELt 0.8 has two groups of 196 for 7.5, which it does not."""


def runs_on(
    code: GpuCode | None,
    device: Device,
    driver_cuda: str | None,
    elsewhere: Iterable[tuple[str, GpuCode]] = (),
    cuda: str | None = None,
) -> RunsOn | None:
    """Judge ``code`` for a GPU whose compute capability is known; None for code without a single kernel.

    ``driver_cuda`` is the highest CUDA version that the driver supports, None where no driver is known; ``cuda`` the toolkit that
    made the code, where that is known. ``elsewhere`` is (section, code) outside the known sections: it decides where the known
    ones hold no kernel (cuFFT 12 has nothing but a stub there).
    """
    if device.sm is None:
        return None
    made_with = cuda or (toolkits.first_with_ptx(code.ptx_isa) if code and code.ptx_isa else None)
    hidden = False
    total, native, jit = archs.count(code.groups, device.sm, made_with) if code else (0, 0, 0)
    ptx_isa = code.ptx_isa if code else None
    groups = code.groups if code else ()
    if not total:
        hidden = True
        groups = tuple(group for _, other in elsewhere for group in other.groups)
        total, native, jit = archs.count(groups, device.sm, made_with)
        isas = [other.ptx_isa for _, other in elsewhere if other.ptx_isa]
        ptx_isa = max(isas, key=_numbers, default=None)
    if not total:
        return None
    needed = (toolkits.first_with_ptx(ptx_isa) or "") if jit and ptx_isa else ""
    specialised = hidden or _specialised(groups, made_with)
    how = _how(total, native, jit, specialised=specialised)
    too_old = driver_cuda if needed and driver_cuda and not at_least(driver_cuda, needed) and how != "no" else None
    counts = (total, native, jit)
    if too_old:
        jit = 0
        how = _how(total, native, jit, specialised=specialised)
    return RunsOn(
        gpu=device.name or f"GPU {device.index}",
        compute_capability=compute_capability(device.sm),
        how=how,
        total=total,
        native=native,
        jit=jit,
        none=total - native - jit,
        why=_why(compute_capability(device.sm), how, counts, needed, too_old),
        ptx_driver=needed if how != "no" or too_old else "",
    )


def _how(total: int, native: int, jit: int, *, specialised: bool) -> str:
    """A library that is made for all its GPUs serves one if most kernel groups do, a specialised one if enough do."""
    served = native + jit
    if not served or served < total * (ENOUGH if specialised else 0.5):
        return "no"
    return "native" if native >= jit or (specialised and native) else "jit"


def _specialised(groups: tuple[Group, ...], cuda: str | None) -> bool:
    """Whether many kernel groups are made for some of the GPUs that the library names, each for its own.

    torch, NCCL or cuSOLVER compile every source file for all their architectures, and a GPU that few groups serve is one that
    they do not support. cuBLASLt, cuDNN's precompiled engines, cuSPARSELt and flash-attention 3 have kernels that are tuned for
    one generation each: there a share says how many kernels were tuned, not whether the GPU is supported. The binary itself
    tells the one kind from the other: of the groups of 36 libraries of CUDA 12.1 and 13.0 and two torch builds, the share that
    serves nearly every GPU that the library names is at least 0.77 (cuSPARSE; 1.0 for torch) or at most 0.72 (cuDNN 8's
    convolutions; 0.55 for cuDNN 9's, 0.12 for cuBLASLt).
    """
    named = {parsed.sm for group in groups for name in (*group.sass, *group.ptx) if (parsed := archs.parse_code(name))}
    total = general = 0
    for group in groups:
        served = sum(archs.count((group,), sm, cuda)[1:] != (0, 0) for sm in named)
        if served:
            total += group.count
            general += group.count if served >= GENERAL * len(named) else 0
    return general < GENERAL * total


def _why(capability: str, how: str, counts: tuple[int, int, int], needed: str, too_old: str | None) -> str:
    """One sentence; ``too_old`` is what the driver supports where that is too little for the PTX."""
    total, native, jit = counts
    none = total - native - jit
    if how == "no" and too_old:
        return f"the PTX needs a driver for CUDA {needed} or newer; this one supports CUDA {too_old}"
    if how == "no" and none == total:
        return f"none of {total} kernel groups has code for {capability}"
    if how == "no":
        return f"only {_of(native + jit, total, 'has', 'have')} code for {capability}"
    said = [f"{_of(native, total, 'has', 'have')} code for {capability}"] if native else []
    if jit and too_old:
        said.append(f"the PTX of {jit} more needs a driver for CUDA {needed} or newer")
    elif jit:
        driver = f", by a driver for CUDA {needed} or newer" if needed else ""
        said.append(f"{_of(jit, total, 'is', 'are')} compiled for {capability} when first used{driver}")
    if how == "jit" and none:
        said.append(f"{'one' if none == 1 else none} of {total} kernel groups cannot be compiled for {capability}")
    return "; ".join(said)


def _of(count: int, total: int, one: str, many: str) -> str:
    return f"{count} of {total} kernel groups {one if count == 1 else many}"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
