"""
# The channel has no such build of pytorch

## What it means
The channels that conda was told to use have no package of that name, version and build: the pytorch channel ended
with 2.5.1 and CUDA 12.4, cudatoolkit ended with 11.8, and an exact build string holds for one platform and one Python
only.

## How it is told
conda says that packages are not available from current channels, that nothing provides them, that they do not exist,
or that no viable options are left.

## What to do
Take pytorch from conda-forge with `pytorch-gpu` and `cuda-version=12.x`, or use pip inside of the environment with
the PyTorch index; loosen exact build strings in an exported environment.yml.

## What not to do
Adding more channels or updating conda: the build was never there, or is there no longer.

## Sources
Table of conda builds (`torchsmith facts conda_builds`); conda-forge documentation on CUDA.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp


@told("conda-build-missing")
def answer(seen: Seen) -> Advice:
    """With what was not found."""
    package = seen.captured("package", "conda-asked-package", "conda-nothing-provides", "conda-does-not-exist")
    return Advice(
        "package:torch",
        f"The channels have no {package or 'such build'} for this platform and Python",
        remedies=(
            Remedy(
                "Take pytorch from conda-forge",
                "the pytorch channel ended with 2.5.1",
                commands=(("conda", "install", "-c", "conda-forge", "pytorch-gpu"),),
            ),
            Remedy("See which builds there are", "", commands=(("conda", "search", "-c", "conda-forge", "pytorch"),)),
            Remedy(
                "Take the build strings out of an exported environment.yml",
                "they hold for one platform only",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(
            WontHelp("More channels, or another order of them", "none of them has that build"),
            WontHelp("Installing a CUDA toolkit or a driver", "conda looks for a package, not for what the machine has"),
        ),
        decide_by=(("conda", "search", "-c", "conda-forge", "pytorch"),),
    )
