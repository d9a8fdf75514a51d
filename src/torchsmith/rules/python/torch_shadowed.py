"""
# Something else answers to `import torch`

## What it means
Python searches the folder of the script (for `-c` and `-m` the current one) and PYTHONPATH before the installed
packages. A `torch.py` or a folder `torch` there, often a script of one's own or a checkout of the pytorch sources, is
imported in place of the real torch: "module 'torch' has no attribute ...", "partially initialized module 'torch'", or
"No module named 'torch._C'".

## How it is told
The search path is walked as import would; what comes first is a module, or a package without torch's compiled core,
in one of those places.

## What to do
Rename the file or folder (its `__pycache__` too), or start from another folder.

## What not to do
Reinstalling torch: the installed one is not what is imported.

## Sources
The Python language reference on the import system; sys.path initialisation.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.torch import Candidate, Torch, TorchImport
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown

_WHERE = {"folder": "the current folder", "PYTHONPATH": "PYTHONPATH"}


@rule("torch-shadowed", explains=("torch-not-installed", "torch-install-incomplete", "cpu-only-build", "user-site-shadowing"))
def check(torch_import: TorchImport, torch: Torch | Unknown | None) -> Iterator[Finding]:
    """The first candidate is none of an installer's; where no torch is installed either, that is said by the summary."""
    first = torch_import.first or next((c for c in torch_import.candidates), None)
    if (
        first is None
        or not _foreign(first)
        or (isinstance(torch, Torch) and torch.folder == f"{first.entry}/torch" and first.compiled)
    ):
        return
    real = isinstance(torch, Torch) and not torch.folder.startswith(f"{first.entry}/")
    if first.kind == "namespace" and real:
        return  # an installed package wins over a bare folder
    if first.kind == "namespace":
        return  # nothing is installed: that is what torch-not-installed says
    behind = f"torch {torch.version} in {torch.folder}" if real and isinstance(torch, Torch) else "no torch that is installed"
    yield Finding(
        Severity.BLOCKER,
        "python",
        f"`import torch` finds {first.path} in {_WHERE[first.origin]}, which is not torch",
        evidence=(Proof("torch_import", f"first: {first.path}"), Proof("torch", f"behind it: {behind}")),
        remedies=(
            Remedy(
                f"Rename {first.path if first.kind == 'module' else first.path.rpartition('/')[0]}, or run from another folder",
                "what stands earlier on the search path wins",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(WontHelp("Reinstalling torch", "the installed one is not what is imported"),),
    )


def _foreign(candidate: Candidate) -> bool:
    return candidate.origin in _WHERE and (candidate.kind != "package" or not candidate.compiled)


@told("torch-shadowed")
def answer(seen: Seen) -> Advice:
    """Another file or folder of that name comes first."""
    del seen
    return Advice(
        "python",
        "A file or folder named torch that is not the installed torch is found first",
        (
            Remedy(
                "Rename torch.py and its __pycache__, or start Python in another folder than the source tree of PyTorch",
                "the folder of the program comes first on the search path",
                Safety.DISPLAY_ONLY,
            ),
        ),
        (WontHelp("Reinstalling torch", "the other file still comes first"),),
        (("python", "-c", "import torch; print(torch.__path__, torch.__file__)"),),
    )
