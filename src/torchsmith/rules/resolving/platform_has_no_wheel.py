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
Take a build that exists for this platform: no label on macOS, for Linux on ARM one of the labels that the release has there,
torch 2.2.2 on an Intel Mac, a glibc image instead of Alpine. In a project for several platforms, give every source a marker.

## What not to do
Clearing caches, locking again or another version of the installer: there is no file.

## Sources
Table of published builds (`torchsmith facts torch_builds`); wheel tags of PEP 425 and PEP 600.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.knowledge import torch_builds
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp
from torchsmith.model.versions import key

UV = ("uv-wheel-of-pytorch-index", "uv-no-compatible-wheels")


@told("platform-has-no-wheel")
def answer(seen: Seen) -> Advice:
    """By the label that was asked for and the system of the reporter."""
    version = seen.captured("version", *UV) or seen.captured("asked", "poetry-no-candidates", "wheel-not-for-platform")
    package = (
        seen.captured("package", *UV)
        or seen.captured("name", "poetry-no-candidates", "wheel-not-for-platform", "from-versions")
        or "torch"
    )
    what = f"{package} {version or seen.captured('other', 'wheel-not-for-platform')}".strip()
    return Advice(
        "package:torch",
        f"There is no wheel of {what} for this platform{' (macOS)' if seen.os == 'macos' else ''}",
        remedies=(
            _existing(seen, version),
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


def _existing(seen: Seen, version: str) -> Remedy:
    """What is published for the reporter's platform; for an unknown one, the rule for each."""
    machine = seen.value("machine")
    platform = machine.platform if machine else ""
    if seen.has("musl-named"):
        title, why = "Use an image with glibc, such as Debian's or Ubuntu's", "no wheel of torch is made for musl (Alpine)"
    elif seen.os == "macos":
        title = "Ask for the version without a local label; on an Intel Mac for torch 2.2.2, the last one for it"
        why = "labelled builds are for Linux and Windows"
    elif platform in {"linux-aarch64", "windows"}:
        of_release = [b.build for b in torch_builds.builds(platform) if b.torch == version.partition("+")[0]]
        system = "Linux on ARM" if platform == "linux-aarch64" else "Windows"
        title = f"Take a build that exists for {system}"
        why = f"of this release: {', '.join(of_release)}" if of_release else f"CUDA builds there begin with {_first(platform)}"
    else:
        title = "Take a build that exists for this platform"
        why = (
            "macOS has none with a local label, and Intel Macs none after 2.2.2; Linux on ARM has CUDA builds from"
            f" {_first('linux-aarch64')} on, not under every label; musl (Alpine) and 32-bit systems have none"
        )
    return Remedy(title, why, Safety.DISPLAY_ONLY)


def _first(platform: str) -> str:
    """The first release with a CUDA build for a platform, as the release declares it."""
    stable = (b.torch for b in torch_builds.builds(platform, kind="cuda") if b.status == "stable")
    return f"torch {min(stable, key=key)}"
