import struct

import pytest

from tests.binaries import samples
from torchsmith.binaries import cudnn


@pytest.mark.parametrize(
    ("symbol", "value", "version"),
    [
        ("cudnn_graph_version", 9 << 16 | 26 << 8, "9.26.0"),
        ("cudnn_ops_infer_version", 8 << 16 | 9 << 8 | 2, "8.9.2"),
        ("cudnn_adv_infer_version", 0, None),
        ("cudnn_graph_version", 0xFFFFFFFF, None),
        ("other_version", 9 << 16, None),
    ],
)
def test_linux_libraries_say_it_in_a_symbol(symbol: str, value: int, version: str | None) -> None:
    assert cudnn.version(*samples.opened(samples.elf_with_symbol(symbol, struct.pack("<I", value)))) == version


def test_windows_libraries_say_it_in_a_resource() -> None:
    assert cudnn.version(*samples.opened(samples.pe(version=(9, 28, 0, 42)))) == "9.28.0"
    assert cudnn.version(*samples.opened(samples.pe())) is None
