"""Small words of the machine's block: sizes, lists, and what stands for nothing."""

from __future__ import annotations

NONE = "none"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(number: int | None) -> str:
    """Bytes as a person says them: ``23.5 GiB``."""
    if number is None:
        return "an unknown size"
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit > 2 and value < 100 else f"{value:.0f} {_UNITS[unit]}"


def decimal(number: int | None) -> str:
    """Bytes as downloads and disks are sold: ``1.8 GB``, ``190 MB``."""
    if number is None:
        return "size not known"
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def listed(*parts: object, separator: str = ", ") -> str:
    """The parts that say something, in a row."""
    return separator.join(str(part) for part in parts if part)
