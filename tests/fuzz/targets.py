"""The readers that are fuzzed: each takes bytes, and may answer or raise BinaryError."""

from __future__ import annotations

import encodings.cp437  # noqa: F401 - the codec of old zip files, else imported when a name first needs it
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.binaries import samples
from tests.binaries.samples import container, entry
from tests.fuzz.judge import Memory
from torchsmith.binaries import (
    cudnn,
    dist_record,
    elf,
    fatbin,
    inflate,
    inspected,
    ld_cache,
    loading,
    macho,
    macho_symbols,
    numpy_abi,
    pe,
    pe_exports,
    shared,
    torch_build,
    wheel,
    zip,
)
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import Section, Window
from torchsmith.model.record import plain

CORPUS = Path(__file__).parent / "corpus"


class Target(NamedTuple):
    """A reader, small files that it reads, and words of its format."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    mend: Callable[[bytes], bytes] | None = None
    """Makes some of the damage plausible, so that a reader does not refuse it at once."""

    def corpus(self, name: str) -> list[bytes]:
        """The seeds and the kept inputs."""
        return [*self.seeds, *(path.read_bytes() for path in sorted((CORPUS / name).glob("*")))]


def _elf(data: bytes) -> None:
    file, size = Memory(data), len(data)
    damage: list[str] = []
    _symbols(file, size, elf.read(file, size, damage))
    elf.read(file, size)


def _symbols(file: Memory, size: int, library: elf.Elf) -> None:
    for names in (elf.exports, elf.undefined):
        _use_up(names(file, size, library))
    elf.symbol_bytes(file, size, library, "cudnn_graph_version", 4)


def _use_up(names: Iterable[object]) -> None:
    for _ in names:
        pass


def _pe(data: bytes) -> None:
    file, size = Memory(data), len(data)
    pe.read(file, size)
    for names in (pe_exports.exports, pe_exports.imported, pe_exports.forwarded):
        with suppress(BinaryError):
            _use_up(names(file, size))
    _as_json(pe.inspected(file, size))


def _fatbin(data: bytes) -> None:
    file, size = Memory(data), len(data)
    half = size // 2
    _as_json(fatbin.scan(file, size, [Section(".nv_fatbin", 0, half, 2), Section("__nv_relfatbin", half, size - half, 2)]))
    _as_json(fatbin.elsewhere(file, size, [Section(".lrodata", 1, size, 2)]))
    _use_up(fatbin.entries(file, size, [fatbin.whole(size)]))


def _macho(data: bytes) -> None:
    file, size = Memory(data), len(data)
    image = macho.read(file, size)
    for names in (macho_symbols.exports, macho_symbols.undefined):
        with suppress(BinaryError):
            _use_up(names(file, size, image))
    _as_json(macho.inspected(file, size))


def _inflate(data: bytes) -> None:
    """Frame, declared size and order of the readings are given by the first bytes."""
    if len(data) < 8:
        return
    frame, places, declared = data[0] % 3, data[1:4], int.from_bytes(data[4:7], "little")
    wbits = (inflate.RAW, inflate.ZLIB, inflate.GZIP)[frame]
    opened = inflate.Inflated(Memory(data), 8, len(data) - 8, len(data), None if frame == 2 else declared, wbits)
    if frame == 2:
        opened.measure(1 << 22)
    for place in places:
        opened.read_at(300, opened.size * place // 255)


def _zip(data: bytes) -> None:
    file = Memory(data)
    archive = zip.read(file, len(data))
    for member in archive.members[:8]:
        with suppress(BinaryError):
            zip.content(file, archive, member, 1 << 20)


def _wheel(data: bytes) -> None:
    file = Memory(data)
    found, archive = wheel.read(file, len(data), "torch-2.15.0-cp313-cp313-manylinux_2_28_x86_64.whl")
    _as_json(found)
    _use_up(wheel.objects(file, archive, found, inspected.inspect))
    _as_json(wheel.compare_record(file, archive, hashed=True))


def _dist_info(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    warnings: list[str] = []
    with suppress(BinaryError):
        _as_json(dist_record.parse(text, warnings))
    dist_record.inside(text, 3)
    _use_up(wheel.pins([value for _, value in wheel.headers(text)]))
    _as_json([wheel.plain_name(text), zip.name_fault(text), wheel.filename(text)])


def _shared(data: bytes) -> None:
    _as_json(shared.describe(Memory(data), len(data)))
    _as_json(loading.describe(Memory(data), len(data)))


def _constants(data: bytes) -> None:
    file, size = Memory(data), len(data)
    numpy_abi.read(file, size)
    torch_build.arch_list(file, size)
    cudnn.version(file, size)


def _ld_cache(data: bytes) -> None:
    _as_json(ld_cache.parse(data))


def _torch_build(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    _as_json(torch_build.cuda_config(text))
    _as_json(torch_build.version_py(text))


def _inspected(data: bytes) -> None:
    _as_json(inspected.inspect(Memory(data), len(data), "_C.cpython-311-x86_64-linux-gnu.so"))


def _window(data: bytes) -> None:
    """A member of an archive, its place and size given by the first bytes."""
    if len(data) < 16:
        return
    offset, size = struct.unpack_from("<QQ", data)
    member = Window(Memory(data), offset, size, len(data))
    member.seek(-1, 2)
    member.read()
    shared.describe(member, size)


def _as_json(answer: object) -> None:
    """Whatever a file says, its description can be written."""
    json.dumps(plain(answer)).encode()


FATBIN = b"".join(container(entry(2, sm), entry(1, sm), entry(8, sm, header=96)) for sm in (75, 90, 120)) + bytes(64)
CONSTANTS = b"\0sm_75 sm_80 compute_90\0numpy.core._multiarray_umath\0numpy._core._multiarray_umath\0"
ELVES = (
    samples.elf([(".nv_fatbin", container(entry(2, 75), entry(1, 90)))]),
    samples.elf([(".rodata", CONSTANTS)]),
    samples.elf_with_symbol("cudnn_graph_version", struct.pack("<I", 9 << 16)),
)
PES = (
    samples.pe([(".nv_fatb", container(entry(2, 75)))], imports=["a.dll", "b.dll"]),
    samples.pe([(".rdata", CONSTANTS)], delay_imports=["c.dll"], version=(1, 2, 3, 4)),
)
ELF_WORDS = (
    *(struct.pack("<QQ", tag, 1) for tag in (0, 1, 4, 5, 6, 10, 14, 15, 29, 0x6FFFFFFC, 0x6FFFFFFE)),
    *(struct.pack("<II", kind, 4) for kind in (1, 2, 3)),
    *(b".rodata\0", b".nv_fatbin\0", b".comment\0", b"GLIBC_2.28\0", b"cudnn_graph_version\0", b"\x7fELF\1\2\1", b"\x7fELF\2\1\1"),
)
PE_WORDS = (b"MZ", b"PE\0\0", b"\x0b\1", b"\x0b\2", b".rdata\0\0", b".nv_fatb", struct.pack("<I", 0xFEEF04BD), b"KERNEL32.dll\0")
FATBIN_WORDS = (
    b"\x50\xed\x55\xba\1\0\x10\0",
    *(struct.pack("<HHIQ", kind, 0x101, header, 24) for kind in (1, 2, 8, 16) for header in (64, 96)),
    *(struct.pack("<Q", flags) for flags in (0x11, 0x100011, 0x200011, 0x2011, 0x8011, 0x10011)),
)
VERSION_PY = b"__version__ = '2.14.1+cu130'\ndebug = False\ncuda: Optional[str] = '13.0'\ngit_version = 'abc'\nhip = None\n"
CUDA_CONFIG = (
    b"#pragma once\n#define AT_CUDNN_ENABLED() 1\n#define AT_ROCM_ENABLED() 0\n"
    b'#define NVCC_FLAGS_EXTRA "-gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_90,code=compute_90"\n'
)
_ONE = struct.pack("<iIIIQ", 0x303, 72, 77, 0, 0)
LD_CACHE = b"glibc-ld.so.cache1.1" + struct.pack("<II20x", 1, 14) + _ONE + b"a.so\0/lib/a.so\0"


def _padded(data: bytes, size: int) -> bytes:
    return data.ljust((len(data) + size - 1) // size * size, b"\0")


def _command(number: int, data: bytes) -> bytes:
    data = _padded(data, 8)
    return struct.pack("<II", number, 8 + len(data)) + data


def _dylib(number: int, name: bytes) -> bytes:
    return _command(number, struct.pack("<IIII", 24, 2, 0x20F00, 0x10000) + name + b"\0")


def _image(processor: int) -> bytes:
    """A library of macOS that has two symbols, and a trie that says so."""
    names = b"\0_abc\0_ab\0__ZN5torch3fooEv\0"
    symbols = struct.pack("<IBBHQ", 1, 0x0F, 1, 0, 64) + struct.pack("<IBBHQ", 6, 0x01, 0, 0x0100, 0)
    trie = b"\0\1_ab\0\6" + b"\3\0\x40\0\1c\0\x0d" + b"\3\0\x44\0\0"
    section = struct.pack("<16s16sQQIIIIIIII", b"__const", b"__TEXT", 0, 16, 0, 0, 0, 0, 0, 0, 0, 0)
    made = [
        _dylib(0xD, b"@rpath/libc10.dylib"),
        _dylib(0xC, b"@rpath/libtorch_cpu.dylib"),
        _dylib(0x80000018, b"/usr/lib/libSystem.B.dylib"),
        _command(0x8000001C, struct.pack("<I", 12) + b"@loader_path/../lib\0"),
        _command(0x19, struct.pack("<16sQQQQiiII", b"__TEXT", 0, 4096, 0, 4096, 5, 5, 1, 0) + section),
        _command(0x1B, bytes(range(16))),
        _command(0x32, struct.pack("<IIII", 1, 0xB0000, 0xE0000, 0)),
    ]
    start = 32 + len(b"".join(made)) + 24 + 16
    made.append(_command(0x2, struct.pack("<IIII", start, 2, start + len(symbols), len(names))))
    made.append(_command(0x80000033, struct.pack("<II", start + len(symbols) + len(names), len(trie))))
    header = struct.pack("<IIIIIIII", 0xFEEDFACF, processor, 0, 6, len(made), len(b"".join(made)), 0, 0)
    return header + b"".join(made) + symbols + names + trie


def _universal(*images: bytes) -> bytes:
    rows, body = b"", b""
    for image in images:
        place = 8 + 20 * len(images) + len(body)
        rows += struct.pack(">IIIII", *struct.unpack_from("<II", image, 4), place, len(image), 0)
        body += image
    return struct.pack(">II", 0xCAFEBABE, len(images)) + rows + body


def _zipped(members: dict[str, bytes], method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return made.getvalue()


def _directory_found_again(data: bytes) -> bytes:
    """A zip file whose last record tells where its directory is, whatever was put in or taken out."""
    end, first = data.rfind(b"PK\5\6"), data.find(b"PK\1\2")
    if not 0 <= first < end or len(data) < end + 22:
        return data
    count = min(data.count(b"PK\1\2"), 0xFFFF)
    return data[: end + 8] + struct.pack("<HHIIH", count, count, end - first, first, len(data) - end - 22) + data[end + 22 :]


IMAGES = (_image(0x0100000C), _universal(_image(0x0100000C), _image(0x01000007)))
METADATA = (
    b"Metadata-Version: 2.1\nName: torch\nVersion: 2.15.0\nRequires-Python: >=3.11\n"
    b"Requires-Dist: nvidia-cudnn-cu13==9.26.0.51; platform_system == 'Linux'\nRequires-Dist: cuda-toolkit[cudart] (==13.2.2)\n\nText\n"
)
ABOUT = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: cp313-cp313-manylinux_2_28_x86_64\n"
RECORD = b'torch/lib/libc10.so,sha256=abc_-,104\n"a,""b.py",,\n../../bin/x,sha256=,1\ntorch-2.15.0.dist-info/RECORD,,\n'
_INFO = "torch-2.15.0.dist-info/"
MEMBERS = {f"{_INFO}METADATA": METADATA, f"{_INFO}WHEEL": ABOUT, f"{_INFO}RECORD": RECORD, "torch/lib/libc10-0123abcd.so": ELVES[2]}
WHEELS = tuple(_zipped(MEMBERS, method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
ZIP_WORDS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../", b"C:\\", b"\1\0\x18\0" + b"\xff" * 8)
MACHO_WORDS = (
    *(struct.pack("<I", magic) for magic in (0xFEEDFACF, 0xFEEDFACE, 0xBEBAFECA, 0xBFBAFECA)),
    *(struct.pack("<II", command, 24) for command in (0x2, 0xC, 0xD, 0x1, 0x19, 0x1B, 0x1C, 0x22, 0x24, 0x32, 0x33)),
)
INFO_WORDS = (b"Requires-Dist: ", b"Tag: ", b",sha256=", b'"', b"==", b"===", b"(==", b"[x]", b"; extra == 'y'", b"\n ", b"   ", b".so.1")
_TEXT = b"sm_90 " * 60


TARGETS: dict[str, Target] = {
    "constants": Target(_constants, (*ELVES, *PES), (*ELF_WORDS, *PE_WORDS, b"sm_90a", b"compute_100f")),
    "dist_info": Target(_dist_info, (METADATA, ABOUT, RECORD), INFO_WORDS),
    "elf": Target(_elf, ELVES, ELF_WORDS),
    "fatbin": Target(_fatbin, (FATBIN,), FATBIN_WORDS),
    "inflate": Target(
        _inflate,
        (
            b"\0\0\x80\xff" + struct.pack("<I", 360) + zlib.compress(_TEXT)[2:-4],
            b"\1\xff\0\x10" + struct.pack("<I", 600_000) + zlib.compress(bytes(600_000)),
            b"\2\1\2\3" + bytes(4) + zlib.compress(_TEXT, wbits=31) + zlib.compress(_TEXT, wbits=31),
        ),
    ),
    "inspected": Target(_inspected, (*ELVES, *PES, FATBIN), (*ELF_WORDS, *PE_WORDS, *FATBIN_WORDS)),
    "ld_cache": Target(_ld_cache, (LD_CACHE, (b"ld.so-1.7.0\0" + bytes(4) + LD_CACHE)), (b"ld.so-1.7.0\0", _ONE)),
    "macho": Target(_macho, IMAGES, MACHO_WORDS),
    "pe": Target(_pe, PES, PE_WORDS),
    "shared": Target(_shared, (*ELVES, *PES), (*ELF_WORDS, *PE_WORDS)),
    "torch_build": Target(_torch_build, (VERSION_PY, CUDA_CONFIG), (b"__version__ = '", b'"', b"code=", b"\n#define AT_MAGMA_ENABLED() 1")),
    "wheel": Target(_wheel, WHEELS, (*ZIP_WORDS, *INFO_WORDS), _directory_found_again),
    "window": Target(_window, tuple(struct.pack("<QQ", 16, len(data)) + data for data in (*ELVES, *PES)), ELF_WORDS),
    "zip": Target(_zip, WHEELS, ZIP_WORDS, _directory_found_again),
}
