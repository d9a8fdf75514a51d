import pytest

from tests.binaries import samples
from torchsmith.binaries import numpy_abi
from torchsmith.binaries.errors import BinaryError

OLD = b"numpy.core._multiarray_umath\0"
NEW = b"numpy._core._multiarray_umath\0"


@pytest.mark.parametrize(
    ("constants", "abi"),
    [
        (OLD, "1"),
        (NEW, "both"),
        (OLD + b"numpy.core.multiarray failed to import\0" + NEW, "both"),
        (bytes((1 << 20) - 10) + NEW, "both"),
        (b"numpy.core.multiarray\0", None),
        (b"", None),
    ],
)
def test_the_name_in_the_constants_tells_the_abi(constants: bytes, abi: str | None) -> None:
    assert numpy_abi.read(*samples.opened(samples.elf([(".text", b""), (".rodata", constants)]))) == abi
    assert numpy_abi.read(*samples.opened(samples.pe([(".text", b""), (".rdata", constants)]))) == abi
    assert numpy_abi.read(*samples.opened(samples.elf([(".debug_str", constants)]))) is None


def test_other_files_are_refused() -> None:
    with pytest.raises(BinaryError, match="neither an ELF nor a PE file"):
        numpy_abi.read(*samples.opened(b"\xcf\xfa\xed\xfe" + NEW))
