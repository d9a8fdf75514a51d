"""
# A build without isolation lacks one of its own tools

## What it means
With `--no-build-isolation` (or `--no-isolation`, or a plain setup.py) nobody installs what the build itself needs:
packaging, ninja, psutil, wheel, setuptools, pybind11, scikit-build-core.

## How it is told
A missing module or backend while a package is built, not while a program runs.

## What to do
Install the build requirements into the environment, then repeat the build.

## What not to do
Switching isolation back on hides torch from packages that need it to build.

## Sources
pip documentation, build isolation; the packages' own pyproject.toml.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import WontHelp
from torchsmith.rules.building.shared import NAME, REINSTALL, installs, shown, without_isolation

PACKAGES = {
    **{name: name for name in (
        "packaging", "psutil", "ninja", "wheel", "setuptools", "pybind11", "cmake", "cython", "hatchling", "maturin", "nanobind",
        "numpy", "jinja2", "cumm", "pccm", "expecttest",
    )},
    "setuptools_scm": "setuptools-scm",
    "scikit_build_core": "scikit-build-core",
    "flit_core": "flit-core",
    "poetry": "poetry-core",
    "mesonpy": "meson-python",
    "typing_extensions": "typing-extensions",
    "skbuild": "scikit-build",
    "Cython": "cython",
    "yaml": "pyyaml",
    "pkg_resources": "setuptools<81",
    "distutils": "setuptools",
}  # fmt: skip
"""Modules that builds need, and the package of each. A module that is not listed here names no package: whoever likes can
publish one under its name, so it never enters a command."""
USUAL = ("packaging", "ninja", "psutil", "wheel", "setuptools")


@told("noisolation-missing-build-dep")
def answer(seen: Seen) -> Advice:
    """The module that is missing, and its usual companions."""
    module = (seen.captured("module", "build-dependency-missing", "module-missing-in-build") or "").split(".")[0]
    name = PACKAGES.get(module, "")
    wanted = (name,) if name and name not in USUAL else ()
    if name:
        said = f"The build needs {name}, which"
    elif NAME.fullmatch(module):
        said = f"The build needs the module {module}, whose package"
    else:
        said = "The build needs a tool that"
    return Advice(
        "environment",
        f"{said} is not in the environment, and without isolation nobody installs it",
        remedies=(
            installs("Install the build requirements", "then repeat the build as before", *wanted, *USUAL),
            *(
                ()
                if name or not module
                else (shown("Install the package that brings this module", "its project says what it is called"),)
            ),
            shown("Build again", "", without_isolation(seen)),
        ),
        wont_help=(
            WontHelp("Leaving out --no-build-isolation", "the build then sees no torch, if it is one that needs torch"),
            REINSTALL,
        ),
    )
