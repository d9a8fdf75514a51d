"""AMD's GPU code is told by the tables of clang's offload bundles, compressed or not."""

import json
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.binaries import samples
from tests.lab.cache import built, unavailable
from tests.lab.fixtures import have
from tests.lab.tools import attempt, last_line
from torchsmith.binaries import elf, hip, pe
from torchsmith.binaries.reader import Section
from torchsmith.model.inspected import HipCode

HOST = "host-x86_64-unknown-linux-gnu-"
TARGETS = ("gfx90a:sramecc+:xnack-", "gfx1100", "gfx9-4-generic")
NAMES = (HOST, *(f"hipv4-amdgcn-amd-amdhsa--{target}" for target in TARGETS))


def bundle(*names: str, code: bytes = b"code" * 16) -> bytes:
    table = struct.pack("<24sQ", hip.MAGIC, len(names))
    at = len(table) + sum(24 + len(name) for name in names)
    for name in names:
        table += struct.pack("<QQQ", at, len(code), len(name)) + name.encode()
        at += len(code)
    return table + code * len(names)


def compressed(data: bytes, version: int, method: int = hip.ZLIB, packed: bytes | None = None) -> bytes:
    body = zlib.compress(data) if packed is None else packed
    sizes = {1: "<I8x", 2: "<II8x", 3: "<QQ8x"}[version]
    head = 8 + struct.calcsize(sizes)
    numbers = (len(data),) if version == 1 else (head + len(body), len(data))
    return b"CCOB" + struct.pack("<HH", version, method) + struct.pack(sizes, *numbers) + body


def scan(data: bytes, name: str = ".hip_fatbin") -> HipCode | None:
    return hip.scan(*samples.opened(data), [Section(name, 0, len(data), 2)])


def padded(*parts: bytes) -> bytes:
    return b"".join(part + bytes(-len(part) % 4096) for part in parts)


def test_targets_of_one_bundle() -> None:
    assert scan(bundle(*NAMES)) == HipCode(targets=tuple(sorted(TARGETS)), bundles=1)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_targets_of_compressed_bundles(version: int) -> None:
    found = scan(padded(compressed(bundle(*NAMES), version), compressed(bundle(HOST, "hip-amdgcn-amd-amdhsa-gfx803"), version)))
    assert found == HipCode(targets=tuple(sorted((*TARGETS, "gfx803"))), bundles=2)


def test_a_table_that_is_longer_than_the_first_piece() -> None:
    names = [f"hipv4-amdgcn-amd-amdhsa--gfx{n}:{zlib.crc32(bytes([n % 256, n // 256])):x}{'x' * 60}" for n in range(300)]
    stored = zlib.compressobj(0)
    data = bundle(*names)
    found = scan(compressed(data, 2, packed=stored.compress(data) + stored.flush()))
    assert found is not None
    assert len(found.targets) == 300
    assert found.warnings == ()


@pytest.mark.parametrize("name", [".hip_fatbin", ".hip_fat"])
def test_sections_are_known_by_name(name: str) -> None:
    assert scan(bundle(*NAMES), name) is not None
    assert scan(bundle(*NAMES), ".rodata") is None


def test_reads_the_sections_of_elf_and_pe() -> None:
    file, size = samples.opened(samples.elf([(".text", b"code"), (".hip_fatbin", padded(bundle(*NAMES)))]))
    assert hip.scan(file, size, elf.read(file, size).sections) == HipCode(tuple(sorted(TARGETS)), 1)
    file, size = samples.opened(samples.pe([(".hip_fat", padded(compressed(bundle(*NAMES), 3)))]))
    assert hip.scan(file, size, pe.read(file, size).sections) == HipCode(tuple(sorted(TARGETS)), 1)


def test_without_zstd_the_targets_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)  # as on a Python that has none of them
    found = scan(padded(compressed(b"", 2, hip.ZSTD, bytes(64)), bundle(*NAMES)))
    assert found is not None
    assert (found.unknown, found.bundles, found.targets) == ("zstd not available", 2, tuple(sorted(TARGETS)))


GOOD = bundle(*NAMES)


@pytest.mark.parametrize(
    ("bad", "warning"),
    [
        (hip.MAGIC + struct.pack("<Q", 1 << 62), "at most 4096 are believed"),
        (GOOD[:32] + struct.pack("<QQ", 0, 1 << 62) + GOOD[48:], "behind the end"),
        (GOOD[:48] + struct.pack("<Q", 1 << 62) + GOOD[56:], "a name of"),
        (b"CCOB" + struct.pack("<HH", 9, 1) + bytes(40), "version 9"),
        (b"CCOB" + struct.pack("<HHQQQ", 3, 7, 64, 64, 0) + bytes(32), "method 7"),
        (b"CCOB" + struct.pack("<HHQQQ", 3, 1, 1 << 62, 64, 0) + bytes(32), "behind the end"),
        (compressed(GOOD, 2, packed=b"garbage!" * 8), "cannot be unpacked"),
        (compressed(GOOD, 2, packed=zlib.compress(GOOD)[:20]), "ends after"),
        (compressed(GOOD, 2, packed=zlib.compress(b"no table at all" * 9)), "does not begin with a table"),
    ],
)
def test_damage_costs_one_bundle_and_is_told(bad: bytes, warning: str) -> None:
    found = scan(padded(GOOD, bad, GOOD))
    assert found is not None
    assert set(TARGETS) <= set(found.targets)
    assert any(warning in text for text in found.warnings)


def test_a_bomb_is_not_unpacked() -> None:
    found = scan(compressed(GOOD, 3, packed=zlib.compress(hip.MAGIC + struct.pack("<Q", 4096) + bytes(256 * samples.MIB), 9)))
    assert found is not None
    assert len(found.warnings) == 1


def test_a_file_that_was_cut_short() -> None:
    data = padded(GOOD, GOOD)
    found = hip.scan(*samples.opened(data), [Section(".hip_fatbin", 0, 1 << 40, 2)])
    assert found is not None
    assert found.bundles == 2
    assert "cut short" in found.warnings[0]


def bitsandbytes() -> Path:
    """The ROCm libraries of a real wheel, and a zstd for this Python."""

    def build(folder: Path) -> None:
        for requirement in ("bitsandbytes==0.50.2", "backports.zstd"):
            done = attempt(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, requirement)
            if done.returncode:
                unavailable("bitsandbytes", last_line(done))
        for wheel in folder.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder, [name for name in archive.namelist() if "rocm" in name or "zstd" in name])
            wheel.unlink()

    return built("bitsandbytes-rocm", {"version": "0.50.2"}, build)


READ = """
import json, os, sys
from torchsmith.binaries import elf, hip
for path in sys.argv[1:]:
    with open(path, "rb", buffering=0) as file:
        size = os.path.getsize(path)
        found = hip.scan(file, size, elf.read(file, size).sections)
        print(json.dumps([found.targets, found.bundles, found.unknown, found.warnings]))
"""


@pytest.mark.online
def test_the_rocm_libraries_of_bitsandbytes() -> None:
    """They hold the GPUs that the project names for them, in bundles that zstd has packed."""
    folder = have(bitsandbytes)
    paths = sorted((folder / "bitsandbytes").glob("*rocm*.so"))
    assert len(paths) == 6
    environ = {"PYTHONPATH": f"{folder}:{Path(hip.__file__).parents[2]}"}
    done = subprocess.run([sys.executable, "-c", READ, *paths], env=environ, capture_output=True, text=True, check=True)
    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        targets, bundles, unknown, warnings = json.loads(line)
        assert {"gfx90a", "gfx942", "gfx1030", "gfx1100", "gfx1201"} <= set(targets), path.name
        assert (bundles, unknown, warnings) == (2, "", [])
