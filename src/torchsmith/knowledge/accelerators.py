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


def usable(vendor: int, device: int) -> str:
    """What the GPU is, if there is a torch build for it; empty if not."""
    return next((what for first, last, what in USABLE.get(vendor, ()) if first <= device <= last), "")
