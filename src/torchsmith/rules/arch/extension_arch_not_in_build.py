"""
# An extension has no code for this GPU

## What it means
torch itself runs on the GPU, but a compiled extension (flash-attn, xformers, vLLM, bitsandbytes ...) brings kernels
of its own, and none of them is for this GPU. Its first call fails with "no kernel image is available for execution on
the device".

## How it is told
The GPU code in the extension's library is read, as for torch. Only an extension without a single kernel group for a
GPU that torch serves is reported: many carry extra kernels for the newest GPUs beside those for all.

## What to do
Install a build of the extension for this architecture, compile it with TORCH_CUDA_ARCH_LIST set to it, or choose
another backend (PyTorch's own attention in place of flash-attn).

## What not to do
Another torch changes nothing in the extension.

## Sources
The binaries themselves; NVIDIA CUDA compatibility guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine import declare
from torchsmith.engine.declare import rule
from torchsmith.knowledge import archs
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import ExtensionCode, ExtensionGpuCode
from torchsmith.model.facts.torch import GpuCoverage, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import compute_capability
from torchsmith.rules.arch.shared import gpu
from torchsmith.rules.readings import told


@rule("extension-arch-not-in-build")
def check(torch: Torch, gpu_coverage: GpuCoverage, extension_gpu_code: ExtensionGpuCode) -> Iterator[Finding]:
    """One finding for each GPU and each package; every file of the package must be without code for it."""
    packages = {extension.package: extension for extension in extension_gpu_code.extensions}
    for device in gpu_coverage.devices:
        if device.how == "no":
            continue  # torch's own lack of code comes first
        for name, one in packages.items():
            files = [extension for extension in extension_gpu_code.extensions if extension.package == name]
            if any(_serves(extension, device.sm, torch.cuda) for extension in files):
                continue
            capability = compute_capability(device.sm)
            carried = sorted({arch for extension in files for sass, ptx, _ in extension.groups for arch in (*sass, *ptx)})
            yield Finding(
                Severity.DEGRADED,
                f"gpu:{device.index}",
                f"{name} {one.version} has no code for {device.name} ({capability}), though torch {torch.version} has",
                evidence=(
                    Proof("extension_gpu_code", f"GPU code: {', '.join(carried)}", one.path),
                    Proof("gpu_coverage", f"torch serves {capability}: {device.how}"),
                ),
                remedies=(
                    Remedy(
                        f"Install a build of {name} for {capability}, or choose another backend",
                        f"compiled here with TORCH_CUDA_ARCH_LIST={capability} it would carry the code",
                        Safety.DISPLAY_ONLY,
                    ),
                ),
                wont_help=(WontHelp("Another torch or driver", f"the code is missing in {name}"),),
                confidence=0.85,
            )


def _serves(extension: ExtensionCode, sm: int, cuda: str | None) -> bool:
    return any(
        any(archs.sass_runs_on(arch, sm, cuda) for arch in sass) or any(archs.ptx_runs_on(arch, sm) for arch in ptx)
        for sass, ptx, _ in extension.groups
    )


@declare.told("extension-arch-not-in-build")
def answer(seen: Seen) -> Advice:
    """The extension where the traceback names it."""
    named = seen.captured("extension", "kernel-of-extension").replace("\\", "/").partition("/")[0]
    capability = next((compute_capability(sm) for sm in told.capabilities(seen)), "")
    which = named or "a compiled extension"
    return Advice(
        f"package:{named}" if named else "environment",
        f"{which[0].upper()}{which[1:]} has no code for {gpu(seen)}; torch itself may well have",
        remedies=(
            Remedy(
                f"Install a build of {named or 'the extension'} for this GPU, or choose another backend",
                f"compiled with TORCH_CUDA_ARCH_LIST={capability} it carries the code" if capability else "",
                Safety.DISPLAY_ONLY,
            ),
            Remedy("For attention, use the one of PyTorch itself (sdpa)", "it needs no extension", Safety.DISPLAY_ONLY),
        ),
        wont_help=(WontHelp("Another torch or driver", "the code is missing in the extension"),),
        decide_by=(("python", "-c", "import torch; print(torch.cuda.get_device_capability(), torch.cuda.get_arch_list())"),),
    )
