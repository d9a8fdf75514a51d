"""
# This project is not built through setup.py any more

## What it means
PyTorch left setuptools for scikit-build-core with 2.14: its setup.py is gone or only forwards. `python setup.py
bdist_wheel`, `clean` or `build` then fail, whatever is installed.

## How it is told
The refusal itself, a setup.py that does not exist, or such a command beside a torch of 2.14 or later.

## What to do
Build through the backend: `pip install -e . -v --no-build-isolation`, or `python -m build --wheel --no-isolation` for
a wheel. The requirements of the backend must be installed first.

## What not to do
An older setuptools brings no setup.py back.

## Sources
PyTorch issue 189758 and the pull requests named there.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import shown


@told("setup-py-removed")
def answer(seen: Seen) -> Advice:
    """The commands that took the place of setup.py."""
    del seen
    return Advice(
        "package:torch",
        "This project is built through its backend now; `python setup.py` is refused or missing",
        remedies=(
            shown(
                "Install the build requirements, then build through pip or build",
                "a wheel comes from the second command",
                ("pip", "install", "scikit-build-core>=1.0", "cmake>=3.27", "ninja", "numpy", "packaging", "pyyaml", "build"),
                ("python", "-m", "build", "--wheel", "--no-isolation"),
                ("pip", "install", "-e", ".", "-v", "--no-build-isolation"),
            ),
        ),
        wont_help=(WontHelp("Installing an older setuptools", "the file that it would run no longer builds anything"),),
    )
