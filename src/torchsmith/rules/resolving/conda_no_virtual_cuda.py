"""
# conda sees no __cuda, so no CUDA build can be solved

## What it means
conda builds with CUDA require the virtual package `__cuda`, which conda makes from the driver that it sees. Without a
driver where the solver runs (a container build, a login node, CI), there is none: the CUDA build cannot be installed,
or a CPU build is taken.

## How it is told
The solver says that nothing provides `__cuda`, or that it is missing on the system.

## What to do
Where the environment will run on a GPU but is solved without one, set CONDA_OVERRIDE_CUDA to the CUDA version of that
machine's driver. Where a GPU should be there, see why the driver is not visible (`nvidia-smi`, then `conda info`).

## What not to do
Installing cudatoolkit or cuda-toolkit from conda: `__cuda` comes from the driver.

## Sources
conda documentation on virtual packages; conda-forge documentation on CUDA builds.
"""

from __future__ import annotations

import re

from torchsmith.engine.declare import told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, WontHelp


@told("conda-no-virtual-cuda")
def answer(seen: Seen) -> Advice:
    """With the CUDA version that was asked for, where the text names it."""
    asked = seen.captured("cuda", "conda-no-cuda-provided")
    version = asked if re.fullmatch(r"\d{1,2}\.\d{1,2}", asked) else "12.8"
    driver = seen.value("driver")
    version = driver.cuda if driver and driver.cuda else version
    return Advice(
        "machine",
        "conda's solver sees no NVIDIA driver (no `__cuda`), so it cannot choose a CUDA build",
        remedies=(
            Remedy(
                "Tell the solver which CUDA the driver of the target machine supports",
                "for a container build, a login node or CI; take that driver's own version",
                actions=(SetVariable("CONDA_OVERRIDE_CUDA", version),),
            ),
            Remedy(
                "See whether the driver is visible here",
                "`__cuda` appears with it",
                commands=(("nvidia-smi",), ("conda", "info")),
            ),
        ),
        wont_help=(
            WontHelp("`conda install cudatoolkit` or `cuda-toolkit`", "`__cuda` is made from the driver, not from a package"),
        ),
        decide_by=(("conda", "info"),),
    )
