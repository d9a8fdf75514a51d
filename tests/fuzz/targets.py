"""What is fuzzed: readers of binaries, which take bytes and may answer or raise BinaryError, and of pasted text, which answer."""

from __future__ import annotations

import importlib
import json
import pkgutil
import struct
import sys
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torchsmith.binaries
from tests.fuzz import pasted
from tests.fuzz.judge import Memory
from tests.fuzz.seeds import (
    ABOUT,
    AR_WORDS,
    ARCHIVES,
    BUNDLES,
    CUBINS,
    CUDA_CONFIG,
    ELF_WORDS,
    ELVES,
    FATBIN,
    FATBIN_WORDS,
    GGUF,
    HIP_WORDS,
    IMAGES,
    INFO_WORDS,
    LD_CACHE,
    MACHO_WORDS,
    METADATA,
    NOTE,
    NOTED,
    ONE_CACHED,
    PE_WORDS,
    PES,
    REAL_ARCHIVE,
    REAL_ELVES,
    RECORD,
    SAFETENSORS,
    SAFETENSORS_INDEX,
    TAR_WORDS,
    TARS,
    TEXT,
    VERSION_PY,
    WEIGHTS_WORDS,
    WHEELS,
    ZIP_WORDS,
    ZSTD_TARS,
    checksums_right,
    directory_found_again,
    docker,
    object_file,
    oci,
)
from torchsmith.binaries import (
    ar,
    binding,
    coff,
    cpu_baseline,
    cubin,
    cudnn,
    dist_record,
    elf,
    fatbin,
    gguf,
    hip,
    image,
    inflate,
    inspected,
    ld_cache,
    loading,
    macho,
    macho_symbols,
    notes,
    numpy_abi,
    pe,
    pe_exports,
    safetensors,
    shared,
    symbols,
    tar,
    torch_build,
    wheel,
)
from torchsmith.binaries import zip as zips
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import Section, Window
from torchsmith.model.record import plain

for _module in pkgutil.iter_modules(torchsmith.binaries.__path__):  # some are imported by readers when they first need them
    importlib.import_module(f"torchsmith.binaries.{_module.name}")

for _name in ("compression.zstd", "backports.zstd"):  # readers look for both; one that is missing is not to be looked for again
    try:
        importlib.import_module(_name)
    except ImportError:
        sys.modules[_name] = None  # type: ignore[assignment]

CORPUS = Path(__file__).parent / "corpus"


class Target(NamedTuple):
    """A reader, small files that it reads, and words of its format."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    mend: Callable[[bytes], bytes] | None = None
    """Makes some of the damage plausible, so that a reader does not refuse it at once."""
    damaged: int = 1000
    """Damaged inputs that one run of the tests tries: a second's worth."""

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


def _notes(data: bytes) -> None:
    """Everything behind the headers that is neither a symbol nor GPU code."""
    file, size = Memory(data), len(data)
    library = elf.read(file, size, [])
    for section in library.sections[:16]:
        with suppress(BinaryError):
            _use_up(notes.notes(file, size, library, section))
    for read in (notes.isa_needed, notes.command_lines):
        with suppress(BinaryError):
            read(file, size, library)
    _as_json(cpu_baseline.read(file, size, library, "libtorch_cpu.so"))


def _binding(data: bytes) -> None:
    """A library against itself, an own name and a foreign one."""
    file, size = Memory(data), len(data)
    with suppress(BinaryError):
        library = symbols.Library(file, size)
        _use_up(
            symbols.unanswered((*library.wanted(), symbols.Wanted("cudnn_graph_version"), symbols.Wanted("f", "V2")), [library])
        )
        _use_up(symbols.versions_lacking(library.version_needs(), [library]))
    _as_json(binding.bind(("a", file, size), [("b", file, size)]))


def _cubin(data: bytes) -> None:
    _as_json(cubin.read(Memory(data), len(data)))


def _hip(data: bytes) -> None:
    _as_json(hip.scan(Memory(data), len(data), [Section(".hip_fatbin", 0, len(data), 2)]))


def _ar(data: bytes) -> None:
    file, size = Memory(data), len(data)
    ar.is_thin(file, size)
    with suppress(BinaryError):
        _use_up(ar.gpu_code(file, size))
    _use_up(ar.members(file, size))


def _coff(data: bytes) -> None:
    coff.sections(Memory(data), len(data))


def _tar(data: bytes) -> None:
    _use_up(tar.members(Memory(data).read_at, []))


def _image(data: bytes) -> None:
    archive = image.Archive(Memory(data), len(data))
    for one in archive.images:
        _as_json(one)
        _as_json(list(archive.objects(one, archive.files(one))))


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
    archive = zips.read(file, len(data))
    for member in archive.members[:8]:
        with suppress(BinaryError):
            zips.content(file, archive, member, 1 << 20)


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
    _as_json([wheel.plain_name(text), zips.name_fault(text), wheel.filename(text)])


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
    cpu_baseline.from_flags(text, 62)
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


def _safetensors(data: bytes) -> None:
    for read in (safetensors.read, safetensors.index):
        with suppress(BinaryError):
            _as_json(read(Memory(data), len(data), "model-00001-of-00002.safetensors"))


def _gguf(data: bytes) -> None:
    _as_json(gguf.read(Memory(data), len(data)))


TARGETS: dict[str, Target] = {
    "ar": Target(_ar, (*ARCHIVES, REAL_ARCHIVE), (*AR_WORDS, *ELF_WORDS)),
    "binding": Target(
        _binding, (ELVES[2],), (*ELF_WORDS, *PE_WORDS, struct.pack("<Q", 0x6FFFFEF5), struct.pack("<Q", 0x6FFFFFF0))
    ),
    "coff": Target(_coff, (object_file(),), (b"\x64\x86", b"\x64\xaa", b"/4\0\0\0\0\0\0", b"/9999999")),
    "constants": Target(_constants, (*ELVES, *PES), (*ELF_WORDS, *PE_WORDS, b"sm_90a", b"compute_100f")),
    "cubin": Target(_cubin, CUBINS, (b"-arch sm_", b"sm_120f", b".note.nv.tkinfo\0")),
    "dist_info": Target(_dist_info, (METADATA, ABOUT, RECORD), INFO_WORDS),
    "elf": Target(_elf, (*ELVES, *REAL_ELVES), ELF_WORDS),
    "fatbin": Target(_fatbin, (FATBIN,), FATBIN_WORDS),
    "gguf": Target(_gguf, (GGUF,), WEIGHTS_WORDS),
    "hip": Target(_hip, BUNDLES, HIP_WORDS),
    "image": Target(
        _image, (docker(), oci(), *TARS, *ZSTD_TARS), (*TAR_WORDS, b"[", b"{}", b'"', b"../", b"sha256:"), checksums_right
    ),
    "inflate": Target(
        _inflate,
        (
            b"\0\0\x80\xff" + struct.pack("<I", 360) + zlib.compress(TEXT)[2:-4],
            b"\1\xff\0\x10" + struct.pack("<I", 600_000) + zlib.compress(bytes(600_000)),
            b"\2\1\2\3" + bytes(4) + zlib.compress(TEXT, wbits=31) + zlib.compress(TEXT, wbits=31),
        ),
    ),
    "inspected": Target(
        _inspected,
        (*ELVES, *REAL_ELVES, NOTED, *PES, FATBIN, *IMAGES, *ARCHIVES, *CUBINS),
        (*ELF_WORDS, *PE_WORDS, *FATBIN_WORDS, *MACHO_WORDS, *AR_WORDS),
    ),
    "ld_cache": Target(_ld_cache, (LD_CACHE, (b"ld.so-1.7.0\0" + bytes(4) + LD_CACHE)), (b"ld.so-1.7.0\0", ONE_CACHED)),
    "macho": Target(_macho, IMAGES, MACHO_WORDS),
    "notes": Target(_notes, (NOTED, *REAL_ELVES), (NOTE, b".note.gnu.property\0", b".GCC.command.line\0")),
    "pe": Target(_pe, PES, PE_WORDS),
    "safetensors": Target(_safetensors, (*SAFETENSORS, SAFETENSORS_INDEX), WEIGHTS_WORDS),
    "shared": Target(_shared, (*ELVES, *REAL_ELVES, *PES), (*ELF_WORDS, *PE_WORDS)),
    "tar": Target(_tar, TARS, TAR_WORDS, checksums_right),
    "torch_build": Target(
        _torch_build, (VERSION_PY, CUDA_CONFIG), (b"__version__ = '", b'"', b"code=", b"\n#define AT_MAGMA_ENABLED() 1")
    ),
    "wheel": Target(_wheel, WHEELS, (*ZIP_WORDS, *INFO_WORDS), directory_found_again),
    "window": Target(_window, tuple(struct.pack("<QQ", 16, len(data)) + data for data in (*ELVES, *PES)), ELF_WORDS),
    "zip": Target(_zip, WHEELS, ZIP_WORDS, directory_found_again),
}
PASTED = pasted.seeds()
TARGETS |= {
    "text": Target(pasted.decoded, PASTED, pasted.WORDS, pasted.mended),
    "facts": Target(pasted.stated, PASTED, pasted.WORDS, pasted.mended, 150),
    "complaints": Target(pasted.complained, PASTED, pasted.WORDS, pasted.mended, 60),
    "explain": Target(pasted.explained, PASTED, pasted.WORDS, pasted.mended, 20),
}


def warm(name: str) -> None:
    """Read what is known to be sound: readers import some modules when they first need them."""
    for data in TARGETS[name].corpus(name):
        with suppress(BinaryError):
            TARGETS[name].read(data)
