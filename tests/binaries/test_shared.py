import json
import sys
from pathlib import Path

import pytest

from tests.binaries import samples
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.shared import describe, highest
from torchsmith.model.record import plain


@pytest.mark.parametrize("path", [*samples.real_elf()[:20], *samples.real_pe()[:4]], ids=lambda path: path.name)
def test_every_description_can_be_written_as_json(path: Path) -> None:
    with path.open("rb") as file:
        found = describe(file, path.stat().st_size)
    assert json.loads(json.dumps(plain(found)))["machine"] in {"x86_64", "aarch64", "x86", "arm"}


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of this process is wanted")
def test_the_c_library_has_what_it_is() -> None:
    for path in samples.loaded():
        if path.name.startswith(("libc.so", "libc-")):
            with path.open("rb") as file:
                found = describe(file, path.stat().st_size)
            assert found.soname == "libc.so.6"
            assert found.has_glibc is not None
            assert int(found.has_glibc.split(".")[1]) >= 17


def test_a_dll() -> None:
    found = describe(*samples.opened(samples.pe(imports=["c10.dll"], delay_imports=["x.dll"], version=(1, 2, 3, 4))))
    assert (found.format, found.machine, found.bits) == ("pe", "x86_64", 64)
    assert (found.needed, found.delay_needed, found.file_version) == (("c10.dll",), ("x.dll",), "1.2.3.4")


def test_a_machine_without_a_name_keeps_its_number() -> None:
    assert describe(*samples.opened(samples.elf([], machine=190))).machine == "elf-190"


def test_other_files_are_refused() -> None:
    with pytest.raises(BinaryError, match="neither an ELF nor a PE file"):
        describe(*samples.opened(b"#!/bin/sh\n"))


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.3.4"], "2.17"),
        (["GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR"], None),
        (["GLIBCXX_3.4.30"], None),
        ([], None),
    ],
)
def test_versions_are_compared_as_numbers(versions: list[str], expected: str | None) -> None:
    assert highest(versions, "GLIBC") == expected
