"""
# The configured index was never published

## What it means
PyTorch publishes wheels for some CUDA versions only. An index such as cu114, cu120, cu122 or cu131 does not exist: as
the only index it gives "from versions: none", as an extra index it is silently empty and the installer takes PyPI's
torch instead.

## How it is told
The labels of configured PyTorch indexes are compared with all that were ever published.

## What to do
Name the nearest published index that the driver accepts. torch brings its own CUDA: it need not equal that of the
toolkit or of nvidia-smi.

## What not to do
Deriving the label from the CUDA version that nvidia-smi prints.

## Sources
Table of indexes (`torchsmith facts indexes`); driver table.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import Indexes
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, cuda_of_label
from torchsmith.rules.common import index_label, reinstall

_EXPLAINS = ("cpu-only-build", "torch-not-installed", "wrong-index-for-platform")


@rule("nonexistent-index", explains=_EXPLAINS)
def check(
    indexes: Indexes, torch: Torch | Unknown | None, gpus: Gpus | Unknown | None, fitting_build: FittingBuild | Unknown | None
) -> Iterator[Finding]:
    """Nightly indexes come and go, so only the stable ones are judged."""
    labelled = [entry for entry in indexes.entries if cuda_of_label(index_label(entry.url))]
    if not labelled:
        return
    from torchsmith.knowledge import torch_builds  # most machines name no such index

    newest = max(
        (cuda for label in torch_builds.labels() if (cuda := cuda_of_label(label))), key=lambda c: [int(n) for n in c.split(".")]
    )
    for entry in labelled:
        label = index_label(entry.url)
        cuda = cuda_of_label(label)
        if cuda is None or torch_builds.build_exists(label):
            continue
        hurts = not isinstance(torch, Torch) or (torch.kind == "cpu" and isinstance(gpus, Gpus) and bool(gpus))
        worst = Severity.BLOCKER if isinstance(torch, Torch) else Severity.DEGRADED
        unheard = at_least(cuda, newest)  # newer than the table: it may have come since
        near = torch_builds.nearest_builds(label)
        yield Finding(
            worst if hurts and not unheard else Severity.NOTE,
            "package:torch",
            f"{entry.origin} names the index {label}, which {'is not known here' if unheard else 'was never published'}",
            evidence=(Proof("indexes", f"{entry.origin}: {entry.url}", entry.origin),),
            remedies=(
                Remedy(f"Name a published index: {' or '.join(near)}", f"in {entry.origin}", Safety.DISPLAY_ONLY),
                *(reinstall(fitting_build, "from an index that exists") if hurts else ()),
            ),
            wont_help=(WontHelp("The label of the CUDA version that nvidia-smi prints", "not every CUDA version has an index"),),
            confidence=0.5 if unheard else 0.9,
            decide_by=(("pip", "index", "versions", "torch", "--index-url", entry.url),) if unheard else (),
        )
        return


@told("nonexistent-index")
def answer(seen: Seen) -> Advice:
    """Names the label and its neighbours that exist."""
    from torchsmith.knowledge import torch_builds

    named = [complaint.captured.get(group) or "" for complaint in seen.complaints for group in ("label", "other")]
    label = next((text for text in named if cuda_of_label(text) and not torch_builds.build_exists(text)), "")
    near = torch_builds.nearest_builds(label) if label else ()
    choice = f": {' or '.join(near)}" if near else ", one that has this release"
    return Advice(
        "package:torch",
        f"PyTorch never published an index {label}" if label else "The index that is named has no such build of torch",
        (
            Remedy(
                f"Name a published index{choice}",
                "torch brings its own CUDA: the driver must be as new, the toolkit need not be equal",
                Safety.DISPLAY_ONLY,
                commands=(
                    ("python", "-m", "pip", "install", "torch", "torchvision", "--index-url", torch_builds.index_url(near[0])),
                )
                if near
                else (),
            ),
        ),
        (
            WontHelp("The label of the CUDA version that nvidia-smi or nvcc prints", "not every CUDA version has an index"),
            WontHelp("Installing another CUDA toolkit", "the wheels bring their own CUDA"),
        ),
    )
