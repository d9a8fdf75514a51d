"""Releases of torch: Python versions, glibc and NumPy that their wheels fit."""

from __future__ import annotations

from torchsmith.knowledge.compiled.torch_releases import ROWS
from torchsmith.model.record import record
from torchsmith.model.versions import key, public

_MANYLINUX = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}


@record
class Release:
    """A release of torch, as its default wheels show it."""

    torch: str
    released: str
    requires_python: str
    python_linux_x86_64: tuple[str, ...]
    python_linux_aarch64: tuple[str, ...]
    python_windows: tuple[str, ...]
    python_macos_arm64: tuple[str, ...]
    manylinux_x86_64: str
    manylinux_aarch64: str
    glibc_needed: str
    numpy_abi_linux: int
    numpy_abi_windows: int


_RELEASES: dict[str, Release] = {}


def get(torch: str) -> Release | None:
    """The release of a torch version; its local label does not count."""
    if not _RELEASES:
        _RELEASES.update((row[0], Release(*row)) for row in ROWS)
    return _RELEASES.get(public(torch))


def known() -> tuple[str, ...]:
    """All listed releases, oldest first."""
    return tuple(row[0] for row in ROWS)


def newest() -> str:
    """The newest listed release."""
    return ROWS[-1][0]


def python_tags(torch: str, platform: str) -> tuple[str, ...]:
    """The Python tags (cp312, cp314t) that a release has default wheels for; empty if there is none."""
    release = get(torch)
    return _tags(release, platform) if release else ()


def releases_for_python(python_tag: str, platform: str) -> tuple[str, ...]:
    """The releases with a default wheel for a Python tag, oldest first."""
    return tuple(row[0] for row in ROWS if python_tag in _tags(Release(*row), platform))


def numpy_abi(torch: str, *, windows: bool, python_tag: str | None = None) -> int | None:
    """The NumPy major that the wheel was built against: 1 fails with NumPy 2, 2 works with both."""
    release = get(torch)
    if release is None:
        return None
    # NumPy 2 never existed for Python 3.8, so those wheels stayed on NumPy 1.
    if python_tag in {"cp37", "cp38"}:
        return 1
    return release.numpy_abi_windows if windows else release.numpy_abi_linux


def manylinux(torch: str, platform: str) -> str | None:
    """The platform tag of the default Linux wheel."""
    release = get(torch)
    if release is None:
        return None
    return {"linux-x86_64": release.manylinux_x86_64, "linux-aarch64": release.manylinux_aarch64}.get(platform)


def glibc_of_tag(tag: str | None) -> str | None:
    """The glibc that a wheel's platform tag promises: ``2.28`` of manylinux_2_28_x86_64; None for any other tag."""
    if not tag or not tag.startswith("manylinux"):
        return None
    parts = tag.partition(".")[0].split("_")
    return f"{parts[1]}.{parts[2]}" if len(parts) > 2 and parts[1].isdigit() else _MANYLINUX.get(parts[0])


def glibc(torch: str, platform: str, tag: str | None = None) -> str | None:
    """The glibc that a Linux wheel needs: the greater of what its tag promises and what its libraries ask for.

    ``tag`` is the platform tag of the wheel in question; without one that promises anything, the default wheel's counts.
    """
    release = get(torch)
    default = glibc_of_tag(manylinux(torch, platform))
    if release is None or default is None:
        return None
    measured = release.glibc_needed if platform == "linux-x86_64" else ""
    return max(glibc_of_tag(tag) or default, measured, key=key)


def _tags(release: Release, platform: str) -> tuple[str, ...]:
    return {
        "linux-x86_64": release.python_linux_x86_64,
        "linux-aarch64": release.python_linux_aarch64,
        "windows": release.python_windows,
        "macos-arm64": release.python_macos_arm64,
    }.get(platform, ())
