"""
# CUDA_VISIBLE_DEVICES was changed after CUDA had started

## What it means
CUDA reads the variable once, when it starts in a process. A program that sets it after `import torch` has asked for a GPU, or
after a library did so, changes nothing, or meets "CUDA unknown error ... changing env variable CUDA_VISIBLE_DEVICES after program
start".

## How it is told
The program sets the variable itself (`os.environ[...]`), behind imports that may start CUDA.

## What to do
Set it in the shell before the program starts, or in the first line, before torch and everything that imports it.

## What not to do
Reinstalling: the same lines do the same again.

## Sources
CUDA programming guide, environment variables; torch's own error text.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp


@told("cuda-visible-devices-set-late")
def answer(seen: Seen) -> Advice:
    """Before the start, in the shell's own words."""
    windows = seen.os == "windows"
    how = "set CUDA_VISIBLE_DEVICES=0, then python main.py" if windows else "CUDA_VISIBLE_DEVICES=0 python main.py"
    return Advice(
        "program",
        "CUDA_VISIBLE_DEVICES is changed after CUDA has started in this process, which is too late",
        (
            Remedy(
                f"Set it before Python starts ({how}), or in the first line, before torch and what imports it",
                "CUDA reads the variable once",
                Safety.DISPLAY_ONLY,
            ),
        ),
        (WontHelp("Reinstalling torch, CUDA or the driver", "the program's own order of lines decides"),),
        (("nvidia-smi", "-L"), ("python", "-c", "import torch; print(torch.cuda.device_count())")),
    )
