"""
# A known fault of this very release or image

## What it means
The release itself is at fault, on a machine and in an environment that fit: a regression, a wrong dependency of its
wheels, a broken image. It was fixed in another release.

## How it is told
An error text that belongs to a known fault of one release; or the reporter found that another release works on the
same machine.

## What to do
Move to the release in which it is fixed (often the next patch release), or back to the last one without it.

## What not to do
Changing driver, CUDA toolkit or cuDNN: the fault is inside torch.

## Sources
torch's release notes and issue tracker.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp
from torchsmith.rules.common import reinstall

# signature -> releases at fault, what goes wrong, the release that is free of it
_KNOWN = {
    "cudnn-frontend-no-plan": ("2.5.0", "its attention asks cuDNN for what cuDNN has no plan for", "2.5.1"),
    "distutils-no-version": ("before 1.11", "its TensorBoard code does not get on with newer setuptools", "1.11.0"),
    "cublas-create-fails": ("1.8.0", "its cuBLAS does not start on some GPUs", "1.8.1"),
    "cublaslt-status-string": ("1.13.0", "its wheel loads two versions of cuBLAS", "1.13.1"),
}


@told("torch-release-bug")
def answer(seen: Seen) -> Advice:
    """With what is known of the release, where the text is one of the known ones."""
    known = next((_KNOWN[c.signature] for c in seen.complaints if c.signature in _KNOWN), None)
    version = seen.package("torch") or getattr(seen.value("torch"), "version", "")
    if known:
        releases, what, fixed = known
        summary = f"A fault of torch {releases}: {what}; torch {fixed} is free of it"
        move = Remedy(
            f"Move to torch {fixed} or newer", "with the torchvision and torchaudio that belong to it", Safety.DISPLAY_ONLY
        )
    else:
        summary = f"This looks like a fault of the release itself{f' (torch {version})' if version else ''}, not of the machine"
        move = Remedy(
            "Try the next patch release, or the one before", "with the companions that belong to it", Safety.DISPLAY_ONLY
        )
    return Advice(
        "package:torch",
        summary,
        remedies=(move, *reinstall(seen.value("fitting_build"), "a build for this GPU")),
        wont_help=(WontHelp("Another driver, CUDA toolkit or cuDNN", "the fault is inside this release of torch"),),
        decide_by=(("python", "-m", "torch.utils.collect_env"),),
    )
