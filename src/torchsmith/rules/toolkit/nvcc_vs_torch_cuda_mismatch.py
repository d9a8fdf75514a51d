"""
# The toolkit's CUDA is of another major version than torch's

## What it means
An extension that is compiled here is linked against the toolkit's CUDA and loaded beside torch's. PyTorch refuses to build it
when the major versions differ: "The detected CUDA version (11.8) mismatches the version that was used to compile PyTorch".
torch itself runs: it brings its own.

## How it is told
The version of the toolkit that builds would take, against the CUDA version in torch/version.py. A difference in the minor
version is allowed.

## What to do
Only if you build extensions: take a toolkit of torch's major version (CUDA_HOME), or a prebuilt wheel of the extension.

## What not to do
Switching PyTorch's check off: the extension would fail later, or crash.

## Sources
torch/utils/cpp_extension.py, check_cuda_version; NVIDIA CUDA compatibility guide.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import major
from torchsmith.rules.toolkit.shared import RUNS, active, named


@rule("nvcc-vs-torch-cuda-mismatch")
def check(toolkits: Toolkits, torch: Torch) -> Iterator[Finding]:
    """The toolkit that builds would take, of another CUDA major."""
    toolkit = toolkits.current
    if (
        not toolkit
        or not toolkit.nvcc
        or not toolkit.version
        or torch.cuda is None
        or major(toolkit.version) == major(torch.cuda)
    ):
        return
    fitting = next((one for one in toolkits.found if one.nvcc and one.version and major(one.version) == major(torch.cuda)), None)
    if fitting:
        remedy = Remedy(f"To build extensions, take {named(fitting)}", "", actions=(SetVariable("CUDA_HOME", fitting.path),))
    else:
        remedy = Remedy(
            f"To build extensions, install a toolkit of CUDA {major(torch.cuda)} beside this one and set CUDA_HOME to it",
            "several toolkits live side by side",
            Safety.DISPLAY_ONLY,
        )
    yield Finding(
        Severity.NOTE,
        "toolkit",
        f"building extensions here would use CUDA {toolkit.version}, and torch was built with CUDA {torch.cuda}",
        evidence=(active(toolkits, toolkit), Proof("torch", f"{torch.version}: CUDA {torch.cuda}")),
        remedies=(remedy,),
        wont_help=(RUNS, WontHelp("Switching PyTorch's version check off", "the extension would load two CUDA runtimes")),
    )


@told("nvcc-vs-torch-cuda-mismatch")
def answer(seen: Seen) -> Advice:
    """Both versions, as far as the text names them."""
    toolkit = seen.captured("toolkit", "nvcc-torch-mismatch", "deepspeed-cuda-mismatch", "toolkit-named")
    torch = seen.value("torch")
    wanted = (torch.cuda if torch and torch.cuda else "") or seen.captured("torch", "deepspeed-cuda-mismatch")
    have = f"nvcc is of CUDA {toolkit}" if toolkit and toolkit[0].isdigit() else "nvcc is of another CUDA major"
    need = f"torch was built with CUDA {wanted}" if wanted else "torch was built with another CUDA"
    target = f"CUDA {major(wanted)}" if wanted else "torch's CUDA"
    return Advice(
        "toolkit",
        f"{have}, and {need}: extensions must be compiled with torch's major version",
        remedies=(
            Remedy(
                f"Build with a toolkit of {target}",
                "several toolkits live side by side; CUDA_HOME and PATH choose",
                Safety.DISPLAY_ONLY,
                commands=(("conda", "install", "-c", "nvidia", f"cuda-nvcc={wanted}" if wanted else "cuda-nvcc"),),
            ),
            Remedy("Or install the torch that was built with the toolkit's CUDA", "", Safety.DISPLAY_ONLY),
            Remedy("Or a prebuilt wheel of the extension", "nothing is compiled then", Safety.DISPLAY_ONLY),
        ),
        wont_help=(
            WontHelp("Taking the check out", "the extension would load two CUDA runtimes"),
            WontHelp("Updating the driver", "the CUDA version that nvidia-smi shows is not that of nvcc"),
        ),
    )
