"""The short reader says the same as the full one."""

from __future__ import annotations

import io
import sys
import sysconfig
from pathlib import Path

import pytest

from torchsmith.binaries import loading, shared
from torchsmith.binaries.errors import BinaryError

FIELDS = ("format", "machine", "bits", "soname", "needed", "rpath", "runpath")


def objects() -> list[Path]:
    folder = Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    return [Path(sys.executable).resolve(), *sorted(folder.glob("*.so"))[:20]]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files of this machine")
@pytest.mark.parametrize("path", objects(), ids=lambda path: path.name)
def test_it_agrees_with_the_full_reader(path: Path) -> None:
    data = path.read_bytes()
    short = loading.describe(io.BytesIO(data), len(data))
    full = shared.describe(io.BytesIO(data), len(data))
    for field in FIELDS:
        mine = tuple(short[field]) if field == "needed" else short[field]
        assert mine == getattr(full, field)


def test_no_library_is_refused() -> None:
    for data in (b"", b"text", b"\x7fELF", b"\x7fELF" + b"\xff" * 200):
        with pytest.raises(BinaryError):
            loading.describe(io.BytesIO(data), len(data))
