"""GPUs of other makers for which torch has a build: AMD's by ROCm, Intel's by XPU. Integrated graphics mostly have none.

Sources: the Linux kernel's amdgpu and xe device tables; AMD ROCm system requirements; Intel's list of GPUs for PyTorch
XPU. Ranges of PCI device ids, both ends included.
"""

from __future__ import annotations

AMD, INTEL = 0x1002, 0x8086

USABLE: dict[int, tuple[tuple[int, int, str], ...]] = {
    AMD: (
        (0x6860, 0x687F, "Vega 10: Radeon Instinct MI25, RX Vega"),
        (0x66A0, 0x66AF, "Vega 20: Instinct MI50, MI60, Radeon VII"),
        (0x7310, 0x731F, "Navi 10: RX 5600, 5700"),
        (0x7360, 0x7362, "Navi 12"),
        (0x738C, 0x738E, "Arcturus: Instinct MI100"),
        (0x73A0, 0x73BF, "Navi 21: RX 6800, 6900"),
        (0x73C0, 0x73DF, "Navi 22: RX 6700"),
        (0x73E0, 0x73FF, "Navi 23: RX 6600"),
        (0x7408, 0x7410, "Aldebaran: Instinct MI200"),
        (0x7440, 0x745E, "Navi 31: RX 7900"),
        (0x7460, 0x747E, "Navi 32: RX 7700, 7800"),
        (0x7480, 0x749F, "Navi 33: RX 7600"),
        (0x74A0, 0x74BF, "Instinct MI300"),
        (0x7550, 0x755F, "Navi 48: RX 9070"),
        (0x7590, 0x759F, "Navi 44: RX 9060"),
        (0x75A0, 0x75BF, "Instinct MI350"),
        (0x1586, 0x1586, "Strix Halo"),
    ),
    INTEL: (
        (0x56A0, 0x56C2, "Arc A series, Data Center GPU Flex"),
        (0x5690, 0x5698, "Arc A series for laptops"),
        (0xE202, 0xE223, "Arc B series"),
        (0x0BD0, 0x0BDB, "Data Center GPU Max"),
        (0x6420, 0x64B0, "Lunar Lake"),
        (0x7D51, 0x7D67, "Arrow Lake"),
    ),
}

TARGETS = {
    0x6860: "gfx900",
    0x66A0: "gfx906",
    0x7310: "gfx1010",
    0x7360: "gfx1011",
    0x738C: "gfx908",
    0x73A0: "gfx1030",
    0x73C0: "gfx1031",
    0x73E0: "gfx1032",
    0x7408: "gfx90a",
    0x7440: "gfx1100",
    0x7460: "gfx1101",
    0x7480: "gfx1102",
    0x74A0: "gfx942",
    0x7550: "gfx1201",
    0x7590: "gfx1200",
    0x75A0: "gfx950",
    0x1586: "gfx1151",
}
"""AMD's name of the architecture, by the first device id of its range."""


def target(vendor: int, device: int) -> str:
    """AMD's name of the architecture (gfx1100); empty for another maker's, or where it is not known."""
    found = next((first for first, last, _ in USABLE.get(vendor, ()) if first <= device <= last), None)
    return TARGETS.get(found, "") if vendor == AMD and found is not None else ""


def rocm_targets(build: str) -> tuple[str, ...]:
    """The architectures that a ROCm build has code for; empty for one that is not listed."""
    from torchsmith.knowledge.compiled.rocm_targets import ROWS

    return next((targets for label, targets in ROWS if label == build), ())


def rocm_builds(wanted: str) -> tuple[str, ...]:
    """The ROCm builds with code for an architecture, oldest first."""
    from torchsmith.knowledge.compiled.rocm_targets import ROWS

    return tuple(label for label, targets in ROWS if wanted in targets)


def rocm_codes() -> frozenset[str]:
    """Every architecture that some ROCm build has code for."""
    from torchsmith.knowledge.compiled.rocm_targets import ROWS

    return frozenset(target for _label, targets in ROWS for target in targets)


def kin(one: str, other: str) -> bool:
    """Whether code for the one runs on the other where ROCm is told to take it for that: gfx1030 on gfx1031."""
    return one == other or (one.startswith("gfx1") and one[:-1] == other[:-1])


def usable(vendor: int, device: int) -> str:
    """What the GPU is, if there is a torch build for it; empty if not."""
    return next((what for first, last, what in USABLE.get(vendor, ()) if first <= device <= last), "")
