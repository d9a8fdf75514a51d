"""Which GPUs torch's GPU code can serve, counted over its kernel groups: the answer is in the binary, not in a table."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.knowledge import archs
from torchsmith.model.facts.gpu import Device, Gpus
from torchsmith.model.facts.torch import DeviceCoverage, GpuCoverage, Torch, TorchGpuCode


@derivation
def gpu_coverage(torch: Torch, torch_gpu_code: TorchGpuCode, gpus: Gpus) -> GpuCoverage:
    """Judge every GPU by itself: a mixed host is as common as a single card."""
    return GpuCoverage(tuple(coverage(device, device.sm, torch_gpu_code, torch.cuda) for device in gpus if device.sm))


def coverage(device: Device, sm: int, code: TorchGpuCode, cuda: str | None) -> DeviceCoverage:
    """How ``code`` serves a GPU of compute capability ``sm``."""
    total = native = jit = 0
    for group in code.groups:
        total += group.count
        if any(archs.sass_runs_on(arch, sm, cuda) for arch in group.sass):
            native += group.count
        elif any(archs.ptx_runs_on(arch, sm) for arch in group.ptx):
            jit += group.count
    # Side libraries inside hold code for single architectures only; the bulk of the kernels decides.
    how = "no" if 2 * (native + jit) < total or not total else "native" if native >= jit else "jit"
    numbers = [parsed.sm for arch in (*code.sass, *code.ptx) if (parsed := archs.parse_code(arch))]
    age = "" if how != "no" or not numbers else "newer" if sm > max(numbers) else "older" if sm < min(numbers) else "between"
    return DeviceCoverage(device.index, device.name or f"GPU {device.index}", sm, how, total, native, jit, age)
