"""Real wheels for other systems, laid out here as pip would install them there; nothing of them runs."""

from pathlib import Path
from typing import Final

from tests.lab.cache import built, unavailable
from tests.lab.tools import attempt, last_line, uv

# Small wheels, and what each is there for: delvewheel's *.libs and a mingw-built OpenBLAS; Microsoft's linker with debugging
# symbols; imports of torch; a version resource; many exports.
WINDOWS: Final = ("numpy==2.2.6", "h5py==3.16.0", "torchvision==0.24.1", "nvidia-cuda-runtime-cu12==12.9.79", "msgpack==1.1.2")
WINDOWS_ARM: Final = ("numpy==2.3.5",)
MAC: Final = ("h5py==3.16.0", "pillow==12.0.0", "ctranslate2==4.6.2", "torchvision==0.22.1")
MAC_UNIVERSAL: Final = ("markupsafe==3.0.2",)


def windows() -> Path:
    """A site-packages of Python 3.12 on Windows, x86-64."""
    return _site("foreign-windows", "x86_64-pc-windows-msvc", WINDOWS)


def windows_arm() -> Path:
    """One for Windows on Arm."""
    return _site("foreign-windows-arm", "aarch64-pc-windows-msvc", WINDOWS_ARM)


def mac() -> Path:
    """One for macOS on Apple silicon."""
    return _site("foreign-mac", "aarch64-apple-darwin", MAC)


def mac_universal() -> Path:
    """One for macOS with files for two processors."""
    return _site("foreign-mac-universal", "x86_64-apple-darwin", MAC_UNIVERSAL)


def _site(name: str, platform: str, requirements: tuple[str, ...]) -> Path:
    def build(folder: Path) -> None:
        done = attempt(
            *(uv(name), "pip", "install", "-q", "--no-deps", "--target", folder / "site-packages"),
            *("--python-platform", platform, "--python-version", "3.12", "--only-binary", ":all:", *requirements),
        )
        if done.returncode != 0:
            unavailable(name, f"{' '.join(requirements)} for {platform}: {last_line(done)}")

    return built(name, {"format": 1, "platform": platform, "requirements": requirements}, build) / "site-packages"
