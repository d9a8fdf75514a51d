"""The loader's cache, made by hand in both layouts, and the real one against ldconfig."""

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from torchsmith.binaries import ld_cache
from torchsmith.binaries.errors import BinaryError

X86_64, AARCH64, I386 = 0x0303, 0x0A03, 0x0003


def cache(*entries: tuple[int, int, str, str], old: bool = False) -> bytes:
    """Flags, hardware capabilities, soname, path."""
    head = b"ld.so-1.7.0\0" + struct.pack("<I", 3) + bytes(3 * 12) if old else b""
    head += bytes(-len(head) % 8)
    at, rows, strings = 48 + 24 * len(entries), b"", b""
    for flags, capabilities, name, path in entries:
        start = at + len(strings)
        strings += name.encode() + b"\0" + path.encode() + b"\0"
        rows += struct.pack("<iIIIQ", flags, start, start + len(name) + 1, 0, capabilities)
    header = struct.pack("<20sIIB3xI12x", b"glibc-ld.so.cache1.1", len(entries), len(strings), 2, 0)
    return head + header + rows + strings


@pytest.mark.parametrize("old", [False, True])
def test_entries(old: bool) -> None:
    data = cache(
        (X86_64, 1 << 62, "libfast.so.1", "/lib/glibc-hwcaps/x86-64-v3/libfast.so.1"),
        (X86_64, 0, "libfast.so.1", "/lib/libfast.so.1"),
        (X86_64, 0, "libtwice.so.1", "/first/libtwice.so.1"),
        (X86_64, 0, "libtwice.so.1", "/second/libtwice.so.1"),
        (I386, 0, "libold.so.1", "/lib32/libold.so.1"),
        (AARCH64, 0, "libarm.so.1", "/arm/libarm.so.1"),
        old=old,
    )
    x86 = {"libfast.so.1": "/lib/libfast.so.1", "libtwice.so.1": "/first/libtwice.so.1"}
    assert ld_cache.parse(data) == x86 | {"libarm.so.1": "/arm/libarm.so.1"}
    assert ld_cache.parse(data, 62) == x86
    assert ld_cache.parse(data, 183) == {"libarm.so.1": "/arm/libarm.so.1"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "known format"),
        (b"ld.so-1.7.0\0" + b"\xff" * 4, "known format"),
        (b"glibc-ld.so.cache1.1" + b"\xff" * 28, "do not fit"),
        (cache((X86_64, 0, "a", "b"))[:-1], "has no end"),
    ],
)
def test_what_is_refused_and_why(data: bytes, message: str) -> None:
    with pytest.raises(BinaryError, match=message):
        ld_cache.parse(data)


def test_agrees_with_ldconfig() -> None:
    real, ldconfig = Path("/etc/ld.so.cache"), shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if not real.exists() or ldconfig is None:
        pytest.skip("no loader cache of glibc here")
    said = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True, timeout=60).stdout
    expected: dict[str, str] = {}
    for name, flags, path in re.findall(r"^\t(\S+) \(([^)]*)\) => (\S+)$", said, re.MULTILINE):
        if re.search(r"libc6,(x86-64|AArch64)", flags) and "hwcap" not in flags:
            expected.setdefault(name, path)
    assert {name: path for name, path in ld_cache.parse(real.read_bytes()).items() if name in expected} == expected
