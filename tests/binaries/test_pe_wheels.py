"""The PE reader says what pefile says of whole real wheels: every import, export, forwarder, version string and debugging id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pefile
import pytest

from tests.lab import foreign
from tests.lab.fixtures import have
from torchsmith.binaries import pe, pe_exports, pe_version
from torchsmith.binaries.pe_image import image

pytestmark = pytest.mark.online

TABLES = ("IMPORT", "DELAY_IMPORT", "EXPORT", "RESOURCE", "DEBUG")
DIRECTORIES = [pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{table}"] for table in TABLES]
NAMES = 1 << 17


@pytest.fixture(scope="module")
def files() -> list[Path]:
    sites = [have(foreign.windows), have(foreign.windows_arm)]
    found = [path for site in sites for path in sorted(site.rglob("*")) if path.suffix in {".dll", ".pyd", ".exe"}]
    return [path for path in found if path.read_bytes()[:2] == b"MZ"]


@pytest.fixture(autouse=True)
def no_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pefile drops what is beyond its caps without a word."""
    for name in ("MAX_IMPORT_SYMBOLS", "MAX_SYMBOL_NAME_LENGTH", "MAX_STRING_LENGTH", "MAX_IMPORT_NAME_LENGTH"):
        monkeypatch.setattr(pefile, name, NAMES)


def opened(path: Path) -> pefile.PE:
    theirs = pefile.PE(str(path), fast_load=True, max_symbol_exports=NAMES)
    theirs.parse_data_directories(DIRECTORIES)
    return theirs


def symbols(theirs: pefile.PE, table: str, *, delayed: bool) -> Iterator[pe_exports.Imported]:
    for dll in getattr(theirs, table, ()):
        for found in dll.imports:
            by_number = found.import_by_ordinal
            name, ordinal = ("", found.ordinal) if by_number else (found.name.decode(), 0)
            yield pe_exports.Imported(dll.dll.decode(), name, ordinal, delayed)


def debugging_id(theirs: pefile.PE) -> str | None:
    for found in getattr(theirs, "DIRECTORY_ENTRY_DEBUG", ()):
        entry = found.entry
        if entry is not None and getattr(entry, "CvSignature", b"") == b"RSDS":
            parts = entry.Signature_Data1, entry.Signature_Data2, entry.Signature_Data3
            tail = bytes((entry.Signature_Data4, entry.Signature_Data5)) + entry.Signature_Data6
            return "{:08X}{:04X}{:04X}".format(*parts) + f"{tail.hex().upper()}{entry.Age:X}"
    return None


def strings(theirs: pefile.PE) -> dict[str, str]:
    blocks = [block for group in getattr(theirs, "FileInfo", ()) for block in group if block.Key == b"StringFileInfo"]
    entries: dict[bytes, bytes] = blocks[0].StringTable[0].entries if blocks else {}
    return {key.decode(): value.decode() for key, value in entries.items()}


def test_every_name_and_version_is_pefiles(files: list[Path]) -> None:
    totals: dict[str, int] = {}
    for path in files:
        size = path.stat().st_size
        with path.open("rb", buffering=0) as file, opened(path) as theirs:
            ours = pe.inspected(file, size)
            assert ours.warnings == (), path
            imported = list(pe_exports.imported(file, size))
            wanted = [*symbols(theirs, "DIRECTORY_ENTRY_IMPORT", delayed=False)]
            wanted += symbols(theirs, "DIRECTORY_ENTRY_DELAY_IMPORT", delayed=True)
            assert imported == wanted, path
            assert ours.needed == tuple(dll.dll.decode() for dll in theirs.DIRECTORY_ENTRY_IMPORT), path
            exported = sorted((found.name, found.ordinal, found.forwarder) for found in pe_exports.exports(file, size))
            assert exported == sorted(_exported(theirs)), path
            version = pe_version.version(image(file, size))
            assert (dict(version.strings) if version else {}) == strings(theirs), path
            assert ours.build_id == debugging_id(theirs), path
            totals["imports"] = totals.get("imports", 0) + len(imported)
            totals["exports"] = totals.get("exports", 0) + len(exported)
            totals["versions"] = totals.get("versions", 0) + bool(version)
            totals["ids"] = totals.get("ids", 0) + bool(ours.build_id)
    assert len(files) > 60
    assert totals["imports"] > 10_000
    assert totals["exports"] > 15_000
    assert totals["versions"] > 1
    assert totals["ids"] > 1


def _exported(theirs: Any) -> Iterator[tuple[str, int, str]]:
    table = getattr(theirs, "DIRECTORY_ENTRY_EXPORT", None)
    for found in table.symbols if table else ():
        yield (found.name or b"").decode(), found.ordinal, (found.forwarder or b"").decode()


def test_places_hold_what_was_read(files: list[Path]) -> None:
    for path in files:
        data = path.read_bytes()
        with path.open("rb", buffering=0) as file:
            ours = pe.inspected(file, len(data))
        places = dict(ours.places)
        assert "needed" in places, path
        if ours.build_id:
            place = places["build_id"]
            assert data[place.offset : place.offset + 4] == b"RSDS"
            assert place.section == ".rdata"
        if ours.file_version:
            place = places["file_version"]
            assert "VS_VERSION_INFO".encode("utf-16-le") in data[place.offset : place.offset + place.size]
            assert place.section == ".rsrc"


def test_what_a_module_is_for(files: list[Path]) -> None:
    by_name = {path.name: path for path in files}

    def inspected(name: str) -> tuple[str, str | None, tuple[str, ...]]:
        path = by_name[name]
        with path.open("rb", buffering=0) as file:
            ours = pe.inspected(file, path.stat().st_size)
        return ours.machine, pe.python_abi(ours.needed), pe.runtime_dlls(ours.needed)

    assert inspected("_cmsgpack.cp312-win_amd64.pyd") == ("x86_64", "cp312", ("VCRUNTIME140.dll",))
    machine, python, runtime = inspected("image.pyd")
    assert (machine, python) == ("x86_64", "cp312")
    assert {"MSVCP140.dll", "VCRUNTIME140.dll", "VCRUNTIME140_1.dll"} <= set(runtime)
    assert inspected("_multiarray_umath.cp312-win_arm64.pyd")[:2] == ("aarch64", "cp312")
    hybrid = next(
        path.name for path in files if path.name.startswith("msvcp140-") and "win_arm64" not in path.name and _arm(path)
    )
    assert inspected(hybrid)[0] == "arm64x"


def _arm(path: Path) -> bool:
    with path.open("rb") as file:
        return pe.read(file, path.stat().st_size).machine == 0xAA64
