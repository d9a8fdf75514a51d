"""Which GPUs torch's GPU code can serve, counted over its kernel groups: the answer is in the binary, not in a table."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.knowledge import archs
from torchsmith.model.facts.driver import VisibleGpus
from torchsmith.model.facts.gpu import Device, Driver, Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import DeviceCoverage, GpuCoverage, Torch, TorchGpuCode
from torchsmith.model.gpu_code import Group
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.versions import at_least


@derivation
def gpu_coverage(
    machine: Machine | Unknown,
    torch: Torch,
    torch_gpu_code: TorchGpuCode | Unknown | None,
    gpus: Gpus,
    driver: Driver | Unknown | None,
    visible_gpus: VisibleGpus | Unknown | None,
) -> Fact[GpuCoverage | None]:
    """Judge every GPU by itself: a mixed host is as common as a single card. What CUDA_VISIBLE_DEVICES leaves out is not used.

    Where the binary cannot be read, the table of published builds answers in its place, and the evidence says so.
    """
    if torch_gpu_code is None:
        return Known(None, f"a {torch.kind} build has no CUDA code")
    if isinstance(torch_gpu_code, TorchGpuCode):
        groups, evidence, source = torch_gpu_code.groups, "binary", torch_gpu_code.path
        carried = (*torch_gpu_code.sass, *torch_gpu_code.ptx)
    else:
        from torchsmith.knowledge import torch_builds

        row = torch_builds.archs(torch.version, torch.build, machine.platform) if isinstance(machine, Machine) else None
        if row is None:
            return torch_gpu_code
        group = Group(tuple(f"sm_{sm}" for sm in row.sass), tuple(f"compute_{sm}" for sm in row.ptx), 1)
        groups, evidence, source = (group,), "table", f"table of builds; the binary: {torch_gpu_code.reason}"
        carried = (*group.sass, *group.ptx)
    runs = driver.cuda if isinstance(driver, Driver) else None
    # What is only PTX the driver compiles, and it must be as new as the toolkit that wrote it.
    too_old = runs is not None and torch.cuda is not None and not at_least(runs, torch.cuda)
    shown = visible_gpus.shown if isinstance(visible_gpus, VisibleGpus) and visible_gpus.shown else None
    used = [device for device in gpus if shown is None or device.index in shown]
    found = (coverage(device, device.sm, groups, torch.cuda, too_old) for device in used if device.sm)
    return Known(GpuCoverage(tuple(found), carried, evidence), source)


def coverage(device: Device, sm: int, groups: tuple[Group, ...], cuda: str | None, ptx_too_new: bool = False) -> DeviceCoverage:
    """How code serves a GPU of compute capability ``sm``; ``ptx_too_new`` where its driver cannot compile this CUDA's PTX."""
    total, native, jit = archs.count(groups, sm, cuda)
    ptx_driver = (cuda or "") if ptx_too_new and 2 * native < total <= 2 * (native + jit) and total else ""
    if ptx_driver:
        jit = 0
    # Side libraries inside hold code for single architectures only; the bulk of the kernels decides.
    how = "no" if 2 * (native + jit) < total or not total else "native" if native >= jit else "jit"
    common = max(groups, key=lambda group: group.count, default=None)
    known = [parsed.sm for arch in ((*common.sass, *common.ptx) if common else ()) if (parsed := archs.parse_code(arch))]
    age = (
        ""
        if how != "no" or not known
        else "newer"
        if ptx_driver or sm > max(known)
        else "older"
        if sm < min(known)
        else "between"
    )
    name = device.name or f"GPU {device.index}"
    return DeviceCoverage(device.index, name, sm, how, total, native, jit, age, ptx_driver, max(known, default=0))
