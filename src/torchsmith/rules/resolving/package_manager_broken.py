"""
# The package manager itself is broken

## What it means
pip, uv, Poetry, conda or one of their own dependencies fails with a traceback or a crash of its own, before anything
of torch is at stake: half an update, packages of two versions mixed, a damaged cache, a locked keyring.

## How it is told
The traceback ends inside the package manager (`pip/_vendor`, `poetry/`, `conda/`), or it says itself that an
unexpected error occurred.

## What to do
Repair the tool: `python -m ensurepip --upgrade` or `python -m pip install --upgrade --force-reinstall pip`; Poetry
and uv by their own installer or pipx; conda by `conda clean --all` and `conda update conda`, or a fresh Miniforge.

## What not to do
Changing torch, its index or the CUDA version: the installer does not get as far.

## Sources
Documentation and issue trackers of pip, Poetry, uv and conda.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp


@told("package-manager-broken")
def answer(seen: Seen) -> Advice:
    """By the manager that failed."""
    tool = _tool(seen)
    return Advice(
        tool,
        f"{tool} fails inside its own code; torch and CUDA are not at stake yet",
        remedies=_REPAIR[tool],
        wont_help=(WontHelp("Another torch version, index or CUDA version", "the installer does not get as far"),),
        decide_by=(_ASK[tool],),
    )


def _tool(seen: Seen) -> str:
    """The manager whose own words were recognised, else the one that the text speaks of."""
    for tool in ("conda", "poetry", "uv", "pip"):
        if seen.has(f"{tool}-broken"):
            return tool
    return next((tool for tool in ("conda", "poetry", "uv") if seen.has(f"{tool}-context")), "pip")


_ASK = {
    "pip": ("python", "-m", "pip", "--version"),
    "conda": ("conda", "info"),
    "poetry": ("poetry", "debug", "info"),
    "uv": ("uv", "--version"),
}
_REPAIR = {
    "pip": (
        Remedy(
            "Put a whole pip in place",
            "of this interpreter",
            commands=(
                ("python", "-m", "ensurepip", "--upgrade"),
                ("python", "-m", "pip", "install", "--upgrade", "--force-reinstall", "pip", "setuptools", "wheel"),
            ),
        ),
    ),
    "conda": (
        Remedy(
            "Clear the cache and update conda itself",
            "or install a fresh Miniforge",
            Safety.UNSAFE,
            commands=(
                ("conda", "clean", "--all"),
                ("conda", "update", "-n", "base", "conda"),
            ),
        ),
        Remedy(
            "Solve with the classic solver where libmamba does not load",
            "",
            commands=(("conda", "config", "--set", "solver", "classic"),),
        ),
    ),
    "poetry": (
        Remedy(
            "Install Poetry anew in an environment of its own",
            "never into the project's",
            commands=(("pipx", "reinstall", "poetry"),),
        ),
        Remedy("Clear its cache", "", commands=(("poetry", "cache", "clear", "--all", "."),)),
    ),
    "uv": (Remedy("Update uv, and clear its cache", "", commands=(("uv", "self", "update"), ("uv", "cache", "clean"))),),
}
