"""
# The release has no wheel for this platform

## What it means
torch is published as wheels only, and not every build exists for every platform: CUDA and +cpu builds not for macOS,
many CUDA builds not for Linux on ARM, none for Intel Macs after 2.2.2, none for musl (Alpine) or 32-bit systems. The
installer finds the release and no file of it that it may install.

## How it is told
The installer names the platforms of the wheels that there are, and this one is not among them; or it refuses a wheel
of another platform.

## What to do
Take a build that exists for this platform: no label on macOS and on ARM, torch 2.2.2 on an Intel Mac, a glibc image
instead of Alpine. In a project for several platforms, give every source a marker.

## What not to do
Clearing caches, locking again or another version of the installer: there is no file.

## Sources
Table of published builds (`torchsmith facts torch_builds`); wheel tags of PEP 425 and PEP 600.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp


@told("platform-has-no-wheel")
def answer(seen: Seen) -> Advice:
    """By the label that was asked for and the system of the reporter."""
    version = seen.captured("version", "poetry-no-candidates", "uv-wheel-of-pytorch-index", "uv-no-version")
    package = seen.captured("package", "poetry-no-candidates", "uv-wheel-of-pytorch-index") or "torch"
    what = f"{package} {version}".strip()
    return Advice(
        "package:torch",
        f"There is no wheel of {what} for this platform{' (macOS)' if seen.os == 'macos' else ''}",
        remedies=(
            Remedy(
                "Ask for the version without a local label on macOS and ARM; on an Intel Mac for torch 2.2.2",
                "labelled builds exist for Linux and Windows on x86-64",
                Safety.DISPLAY_ONLY,
            ),
            Remedy(
                "In a project for several platforms, give each source of torch a marker",
                "`sys_platform == 'linux'` for the CUDA index, the default index elsewhere",
                Safety.DISPLAY_ONLY,
            ),
        ),
        wont_help=(
            WontHelp("Clearing the cache, locking again or updating the installer", "no such file was published"),
            WontHelp("Renaming a wheel of another platform", "its libraries do not load here"),
        ),
        decide_by=(("python", "-m", "pip", "debug", "--verbose"),),
    )
