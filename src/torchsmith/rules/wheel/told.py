"""What several answers about the choice of a build have in common."""

from __future__ import annotations

from torchsmith.knowledge import torch_builds
from torchsmith.model.finding import Remedy, Safety, WontHelp
from torchsmith.model.versions import cuda_of_label, key, major
from torchsmith.rules.common import reinstall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.complaint import Seen

FAMILY = ("torch", "torchvision", "torchaudio")
TOOLKIT = WontHelp("Installing a CUDA toolkit or cuDNN, or setting CUDA_HOME", "the CUDA code is missing inside torch itself")
AGAIN = WontHelp("`pip install torch` again without removing it", "pip finds the requirement already satisfied")
DRIVER = WontHelp("Updating the driver", "which build of torch is installed does not depend on it")
LATEST = 4
"""Releases that count as the latest ones."""
LOOK = ("python", "-m", "torch.utils.collect_env")


def cuda_torch(seen: Seen, why: str) -> tuple[Remedy, ...]:
    """The remedy that puts a CUDA build in place: the fitting one where the facts suffice, else the least demanding index."""
    found = reinstall(seen.value("fitting_build"), why)
    if found or seen.value("fitting_build") is not None:
        return found
    python = "python" if seen.os != "macos" else "python3"
    index = torch_builds.index_url(_least(seen))
    return (
        Remedy(
            "Remove torch, torchvision and torchaudio, and install all three from one CUDA index of PyTorch",
            f"{why}; this index asks least of the driver, the newest GPUs need a newer one",
            Safety.DISPLAY_ONLY,
            commands=(
                (python, "-m", "pip", "uninstall", "-y", *FAMILY),
                (python, "-m", "pip", "install", *FAMILY, "--index-url", index),
            ),
        ),
    )


def version(seen: Seen) -> str:
    """``torch 2.4.1``, or ``torch`` where its version is not told."""
    torch = seen.value("torch")
    named = torch.version if torch and torch.version[:1].isdigit() else seen.captured("version", "torch-cpu-label")
    return f"torch {named}" if named else "torch"


def _least(seen: Seen) -> str:
    """The label that asks least of the driver among the latest releases; of the driver's own CUDA major where that is told."""
    machine, driver = seen.value("machine"), seen.value("driver")
    platform = machine.platform if machine and machine.platform in {"windows", "linux-aarch64"} else "linux-x86_64"
    builds = [build for build in torch_builds.builds(platform, kind="cuda") if build.evidence != "announced"]
    releases = sorted({build.torch for build in builds}, key=key)[-LATEST:]
    wanted = major(driver.cuda) if driver and driver.cuda else 0
    recent = {build.build for build in builds if build.torch in releases}
    of_driver = [label for label in recent if wanted and major(cuda_of_label(label) or "") == wanted]
    if of_driver or not wanted:
        return min(of_driver or recent, key=_cuda)
    older = [build.build for build in builds if major(cuda_of_label(build.build) or "") == wanted]
    return max(older or recent, key=_cuda)


def _cuda(label: str) -> tuple[int, ...]:
    return key(cuda_of_label(label) or "")
