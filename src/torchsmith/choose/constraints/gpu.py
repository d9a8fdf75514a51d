"""GPU code for every GPU: machine code of its architecture, or PTX that the driver can compile for it."""

from __future__ import annotations

from torchsmith.choose.constraint import constraint
from torchsmith.knowledge.torch_builds import Archs
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.known import Unknown
from torchsmith.model.versions import compute_capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.gpu import Device

SOURCE = "torchsmith facts gpu_archs_in_builds"


@constraint("accelerator", "kind")
def accelerator(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A build for an accelerator needs one of that maker."""
    if candidate.kind != "cuda":
        return None
    if isinstance(situation.gpus, Unknown):
        return Risk(f"whether there is an NVIDIA GPU is not known: {situation.gpus.reason}")
    if not situation.gpus:
        return Reason(
            "accelerator", "there is no NVIDIA GPU that a CUDA build could use", "the GPUs of this machine", "an NVIDIA GPU"
        )
    return None


@constraint("gpu-code", "channel", "build", "sass", "ptx", "kind")
def gpu_code(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """Every GPU needs machine code of the build, or PTX under a driver as new as the build's CUDA."""
    if candidate.kind != "cuda" or isinstance(situation.gpus, Unknown):
        return None
    if not candidate.sass and not candidate.ptx:
        return Risk("the GPU code of this build is not known")
    carried = Archs(candidate.torch, candidate.build, candidate.platform, candidate.sass, candidate.ptx, "", "")
    without = [device for device in situation.gpus if device.sm and not carried.serves(device.sm)]
    if not without:
        return None
    codes = " ".join(f"sm_{sm}" for sm in candidate.sass)
    names = ", ".join(sorted({_named(device) for device in without}))
    oldest = min(candidate.sass, default=0)
    age = "ended before" if all((device.sm or 0) > oldest for device in without) else "starts after"
    return Reason("gpu-code", f"its GPU code ({codes}) {age} the {names}", SOURCE)


def _named(device: Device) -> str:
    return f"{device.name or 'GPU'} ({compute_capability(device.sm or 0)})"
