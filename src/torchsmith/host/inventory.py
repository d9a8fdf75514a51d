"""What PATH holds, and what PCI ids are called: questions whose whole answers would be too much to carry or to record."""

from __future__ import annotations

import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PCI_IDS = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/var/lib/pciutils/pci.ids")
MOST_PROGRAMS = 200


def programs(folders: Iterable[str], stems: tuple[str, ...]) -> list[list[str]]:
    """Name, path and path without links of every program called a stem, or a stem and a version (``gcc-12``).

    The first of a name wins, as in a shell; names come in the order of PATH.
    """
    wanted, heads = frozenset(stems), {stem.partition("-")[0] for stem in stems}
    found: dict[str, list[str]] = {}
    met = set()
    for folder in dict.fromkeys(folders):
        real = os.path.realpath(folder)
        if real in met:
            continue  # /bin is /usr/bin
        met.add(real)
        try:
            names = sorted(name for name in os.listdir(folder or ".") if name.partition("-")[0].partition(".")[0] in heads)
        except (OSError, ValueError):
            continue
        for name in names:
            path = os.path.join(folder, name)
            shown = _shown(name)
            if shown in found or not _is_called(shown, wanted) or len(found) >= MOST_PROGRAMS:
                continue
            if os.path.isfile(path) and os.access(path, os.X_OK):
                found[shown] = [shown, path, os.path.realpath(path)]
    return list(found.values())


def _shown(name: str) -> str:
    """A program's name without the ending by which Windows knows it."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.lower() in {"exe", "cmd", "bat"} and sys.platform == "win32" else name


def _is_called(name: str, stems: frozenset[str]) -> bool:
    stem, dash, version = name.rpartition("-")
    return name in stems or (bool(dash) and stem in stems and version.replace(".", "").isdecimal())


def pci_names(ids: tuple[str, ...], place: Callable[[str], str]) -> dict[str, list[str]]:
    """Maker and device of each ``1002:744c`` that a list of PCI ids names; the device is empty where only its maker is known.

    Raises:
        OSError: no list is installed.

    """
    text = b""
    for path in PCI_IDS:
        try:
            with open(place(path), "rb") as file:
                text = b"\n" + file.read(8 << 20)
            break
        except OSError:
            continue
    if not text:
        raise FileNotFoundError(PCI_IDS[0])
    found = {}
    for given in ids:
        vendor, _, device = given.lower().partition(":")
        start = text.find(f"\n{vendor}  ".encode())
        if start < 0:
            continue
        maker = text[start + len(vendor) + 3 : text.find(b"\n", start + 1)]
        after = re.compile(rb"\n[0-9a-fC]").search(text, start + 1)
        end = after.start() if after else len(text)
        line = text.find(f"\n\t{device}  ".encode(), start, end)
        name = text[line + len(device) + 4 : text.find(b"\n", line + 1)] if line >= 0 else b""
        found[given] = [maker.decode("utf-8", "replace").strip(), name.decode("utf-8", "replace").strip()]
    return found
