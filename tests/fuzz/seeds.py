"""Small files of every format that is read, made by hand, and the words of each format: where the fuzzing starts from."""

from __future__ import annotations

import encodings.cp437  # noqa: F401 - the codec of old zip files, else imported when a name first needs it
import io
import json
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

from tests.binaries import samples
from tests.binaries.samples import container, entry
from torchsmith.binaries import zstd
from torchsmith.binaries.errors import BinaryError

MADE = Path(__file__).parent / "made"
REAL_ELVES = tuple(path.read_bytes() for path in sorted(MADE.glob("*.so")))
REAL_PE = (MADE / "rich.dll").read_bytes()
REAL_ARCHIVE = (MADE / "objects.a").read_bytes()
FATBIN = b"".join(container(entry(2, sm), entry(1, sm), entry(8, sm, header=96)) for sm in (75, 90, 120)) + bytes(64)
CONSTANTS = b"\0sm_75 sm_80 compute_90\0numpy.core._multiarray_umath\0numpy._core._multiarray_umath\0"
ELVES = (
    samples.elf([(".nv_fatbin", container(entry(2, 75), entry(1, 90)))]),
    samples.elf([(".rodata", CONSTANTS)]),
    samples.elf_with_symbol("cudnn_graph_version", struct.pack("<I", 9 << 16)),
)
PES = (
    REAL_PE,
    samples.pe([(".nv_fatb", container(entry(2, 75)))], imports=["a.dll", "b.dll"]),
    samples.pe([(".rdata", CONSTANTS)], delay_imports=["c.dll"], version=(1, 2, 3, 4)),
)
ELF_WORDS = (
    *(struct.pack("<QQ", tag, 1) for tag in (0, 1, 4, 5, 6, 10, 14, 15, 29, 0x6FFFFFFC, 0x6FFFFFFE)),
    *(struct.pack("<II", kind, 4) for kind in (1, 2, 3)),
    *(
        b".rodata\0",
        b".nv_fatbin\0",
        b".comment\0",
        b"GLIBC_2.28\0",
        b"cudnn_graph_version\0",
        b"\x7fELF\1\2\1",
        b"\x7fELF\2\1\1",
    ),
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
ONE_CACHED = struct.pack("<iIIIQ", 0x303, 72, 77, 0, 0)
LD_CACHE = b"glibc-ld.so.cache1.1" + struct.pack("<II20x", 1, 14) + ONE_CACHED + b"a.so\0/lib/a.so\0"


def _padded(data: bytes, size: int) -> bytes:
    return data.ljust((len(data) + size - 1) // size * size, b"\0")


def _command(number: int, data: bytes) -> bytes:
    data = _padded(data, 8)
    return struct.pack("<II", number, 8 + len(data)) + data


def _dylib(number: int, name: bytes) -> bytes:
    return _command(number, struct.pack("<IIII", 24, 2, 0x20F00, 0x10000) + name + b"\0")


def _library(processor: int) -> bytes:
    """A library of macOS that has two symbols, and a trie that says so."""
    names = b"\0_abc\0_ab\0__ZN5torch3fooEv\0"
    symbols = struct.pack("<IBBHQ", 1, 0x0F, 1, 0, 64) + struct.pack("<IBBHQ", 6, 0x01, 0, 0x0100, 0)
    trie = b"\0\1_ab\0\6" + b"\3\0\x40\0\1c\0\x0d" + b"\3\0\x44\0\0"
    section = struct.pack("<16s16sQQIIIIIIII", b"__const", b"_TEXT", 0, 16, 0, 0, 0, 0, 0, 0, 0, 0)
    made = [
        _dylib(0xD, b"@rpath/libc10.dylib"),
        _dylib(0xC, b"@rpath/libtorch_cpu.dylib"),
        _dylib(0x80000018, b"/usr/lib/libSystem.B.dylib"),
        _command(0x8000001C, struct.pack("<I", 12) + b"@loader_path/../lib\0"),
        _command(0x19, struct.pack("<16sQQQQiiII", b"_TEXT", 0, 4096, 0, 4096, 5, 5, 1, 0) + section),
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
    for part in images:
        place = 8 + 20 * len(images) + len(body)
        rows += struct.pack(">IIIII", *struct.unpack_from("<II", part, 4), place, len(part), 0)
        body += part
    return struct.pack(">II", 0xCAFEBABE, len(images)) + rows + body


def _zipped(members: dict[str, bytes], method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return made.getvalue()


def directory_found_again(data: bytes) -> bytes:
    """A zip file whose last record tells where its directory is, whatever was put in or taken out."""
    end, first = data.rfind(b"PK\5\6"), data.find(b"PK\1\2")
    if not 0 <= first < end or len(data) < end + 22:
        return data
    count = min(data.count(b"PK\1\2"), 0xFFFF)
    return data[: end + 8] + struct.pack("<HHIIH", count, count, end - first, first, len(data) - end - 22) + data[end + 22 :]


def _bundle(*targets: bytes) -> bytes:
    """AMD's: a table of code objects, and the code."""
    rows = b"".join(struct.pack("<QQQ", 256, 16, len(target)) + target for target in targets)
    return (b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(targets)) + rows).ljust(256, b"\0") + bytes(16)


def _packed_bundle(version: int, bundle: bytes) -> bytes:
    packed = zlib.compress(bundle)
    head = struct.pack("<4sHH", b"CCOB", version, 0)
    if version == 1:
        return head + struct.pack("<IQ", len(bundle), 0) + packed
    layout = "<IIQ" if version == 2 else "<QQQ"
    return head + struct.pack(layout, 8 + struct.calcsize(layout) + len(packed), len(bundle), 0) + packed


def archive(*members: tuple[bytes, bytes]) -> bytes:
    made = b"!<arch>\n"
    for name, data in members:
        made += (
            name.ljust(16)
            + b"0           0     0     644     "
            + str(len(data)).encode().ljust(10)
            + b"`\n"
            + data
            + b"\n" * (len(data) & 1)
        )
    return made


def object_file() -> bytes:
    """Of Microsoft's compiler, with GPU code in a section that has a long name."""
    code = container(entry(2, 75))
    row = struct.pack("<8sIIIIIIHHI", b"/4", 0, 0, len(code), 60, 0, 0, 0, 0, 0x40000040)
    return struct.pack("<HHIIIHH", 0x8664, 1, 0, 60 + len(code), 0, 0, 0) + row + code + struct.pack("<I", 16) + b".nv_fatbin\0\0"


def tarred(members: dict[str, bytes | str], style: int = tarfile.PAX_FORMAT) -> bytes:
    """Text is what a link names."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=style) as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            if isinstance(data, str):
                about.type, about.linkname = tarfile.SYMTYPE, data
                archive.addfile(about)
            else:
                about.size = len(data)
                archive.addfile(about, io.BytesIO(data))
    return made.getvalue()[: -tarfile.RECORDSIZE + 2048]


def checksums_right(data: bytes) -> bytes:
    """A tar file whose headers have the sums that their bytes have."""
    made = bytearray(data)
    for at in range(0, len(made) - 511, 512):
        if made[at + 257 : at + 262] == b"ustar":
            made[at + 148 : at + 156] = b"        "
            made[at + 148 : at + 156] = b"%06o\0 " % (sum(made[at : at + 512]) & 0o777777)
    return bytes(made)


def _by_zstd(data: bytes) -> tuple[bytes, ...]:
    """Where this Python can."""
    try:
        return (zstd.module().compress(data),)
    except BinaryError:
        return ()


def docker() -> bytes:
    layer = tarred({"usr/lib/libc10.so": ELVES[2], "usr/lib/.wh.x.so": b"", "a/.wh..wh..opq": b""})
    about = (
        b'{"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin"]}, "rootfs": {"diff_ids": ["sha256:1"]}}'
    )
    manifest = b'[{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l/layer.tar", "m.tar"]}]'
    return tarred({"l/layer.tar": layer, "m.tar": "l/layer.tar", "c.json": about, "manifest.json": manifest})


def oci() -> bytes:
    layer = zlib.compress(tarred({"lib/liba.so": ELVES[1]}), wbits=31)
    manifest = b'{"config": {"digest": "sha256:c"}, "layers": [{"digest": "sha256:l"}]}'
    index = b'{"manifests": [{"digest": "sha256:m", "annotations": {"org.opencontainers.image.ref.name": "b:2"}}]}'
    blobs = {"blobs/sha256/l": layer, "blobs/sha256/c": b'{"os": "linux"}', "blobs/sha256/m": manifest}
    return tarred({"index.json": index, **blobs}, tarfile.GNU_FORMAT)


BUNDLES = (
    _bundle(b"host-x86_64-unknown-linux--", b"hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-"),
    *(_packed_bundle(version, _bundle(b"hipv4-amdgcn-amd-amdhsa--gfx1100")) for version in (1, 2, 3)),
    *(
        struct.pack("<4sHHIIQ", b"CCOB", 2, 1, 24 + len(packed), 272, 0) + packed
        for packed in _by_zstd(_bundle(b"hipv4-amdgcn-amd-amdhsa--gfx1201"))
    ),
)
HIP_WORDS = (b"__CLANG_OFFLOAD_BUNDLE__", b"CCOB\2\0\0\0", b"CCOB\3\0\1\0", b"CCOB\1\0\0\0", b"hipv4-amdgcn-amd-amdhsa--gfx942")
ARCHIVES = (
    archive((b"/", bytes(8)), (b"//", b"a_long_name_of_a_member.o/\nb.o/\n"), (b"/0", ELVES[0]), (b"c.o/", ELVES[1])),
    archive((b"#1/20", b"a_name_of_bsd.o".ljust(20, b"\0") + ELVES[0]), (b"x.obj/", object_file())),
)
AR_WORDS = (b"!<arch>\n", b"!<thin>\n", b"`\n", b"//".ljust(16), b"/0".ljust(16), b"#1/20".ljust(16), b"/SYM64/".ljust(16))
TARS = (
    tarred({"a.so": ELVES[2], "b" * 150: b"x", "c": "a.so"}),
    tarred({"a" * 150: b"y", "c": "d" * 150}, tarfile.GNU_FORMAT),
)
TAR_WORDS = (
    b"ustar\0" + b"00",
    b"ustar  \0",
    b"12 path=../x\n",
    b"11 size=99\n",
    b"18 GNU.sparse.a=1\n",
    b"\x80" + b"\xff" * 11,
    b"00000001000",
)
ZSTD_TARS = _by_zstd(TARS[0])
CUBINS = tuple(
    bytes(made)
    for abi, flags in ((7, 0x5A055A), (8, 0x06006402))
    for made in [bytearray(samples.elf([(".note.nv.tkinfo", b"ptxas -arch sm_100a -O3\0")], machine=190))]
    for made[8], made[48:52] in [(abi, struct.pack("<I", flags))]
)
NOTE = struct.pack("<III", 4, 16, 5) + b"GNU\0" + struct.pack("<III", 0xC0008002, 4, 4) + bytes(4)
NOTED = samples.elf(
    [
        (".note.gnu.property", NOTE),
        (".note.gnu.build-id", struct.pack("<III", 4, 8, 3) + b"GNU\0" + b"01234567"),
        (".GCC.command.line", b"-O2\0-march=x86-64-v3\0"),
        (".comment", b"GCC: (GNU) 13.3.1\0"),
    ]
)
IMAGES = (_library(0x0100000C), _universal(_library(0x0100000C), _library(0x01000007)))
METADATA = (
    b"Metadata-Version: 2.1\nName: torch\nVersion: 2.15.0\nRequires-Python: >=3.11\n"
    b"Requires-Dist: nvidia-cudnn-cu13==9.26.0.51; platform_system == 'Linux'\n"
    b"Requires-Dist: cuda-toolkit[cudart] (==13.2.2)\n\nText\n"
)
ABOUT = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: cp313-cp313-manylinux_2_28_x86_64\n"
RECORD = b'torch/lib/libc10.so,sha256=abc_-,104\n"a,""b.py",,\n../../bin/x,sha256=,1\ntorch-2.15.0.dist-info/RECORD,,\n'
_INFO = "torch-2.15.0.dist-info/"
MEMBERS = {
    f"{_INFO}METADATA": METADATA,
    f"{_INFO}WHEEL": ABOUT,
    f"{_INFO}RECORD": RECORD,
    "torch/lib/libc10-0123abcd.so": ELVES[2],
}
WHEELS = tuple(_zipped(MEMBERS, method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
ZIP_WORDS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../", b"C:\\", b"\1\0\x18\0" + b"\xff" * 8)
MACHO_WORDS = (
    *(struct.pack("<I", magic) for magic in (0xFEEDFACF, 0xFEEDFACE, 0xBEBAFECA, 0xBFBAFECA)),
    *(struct.pack("<II", command, 24) for command in (0x2, 0xC, 0xD, 0x1, 0x19, 0x1B, 0x1C, 0x22, 0x24, 0x32, 0x33)),
)
INFO_WORDS = (
    b"Requires-Dist: ",
    b"Tag: ",
    b",sha256=",
    b'"',
    b"==",
    b"===",
    b"(==",
    b"[x]",
    b"; extra == 'y'",
    b"\n ",
    b"   ",
    b".so.1",
)
TEXT = b"sm_90 " * 60


def safetensors(*tensors: tuple[str, str, tuple[int, ...], int]) -> bytes:
    """A file of tensors: name, type, shape and bytes of each."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, kind, shape, size in tensors:
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def gguf(about: dict[str, object], *tensors: tuple[str, int, tuple[int, ...], int]) -> bytes:
    """A file of tensors: name, type, shape and bytes of each, with metadata of texts, numbers and lists of texts."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    def told(value: object) -> bytes:
        if isinstance(value, str):
            return struct.pack("<I", 8) + text(value)
        if isinstance(value, list):
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
        return struct.pack("<II", 4, value)

    listed = b"".join(
        text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0) for name, kind, shape, _ in tensors
    )
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(about))
    return head + b"".join(text(key) + told(value) for key, value in about.items()) + listed + bytes(sum(t[3] for t in tensors))


SAFETENSORS = (
    safetensors(
        ("model.layers.0.self_attn.k_proj.weight", "BF16", (8, 16), 256),
        ("model.layers.1.input_layernorm.weight", "BF16", (16,), 32),
        ("packed", "F4", (4, 4), 8),
    ),
    safetensors(),
)
SAFETENSORS_INDEX = (
    b'{"metadata": {"total_size": 4096}, "weight_map": {"model.layers.3.mlp.weight": "model-00001-of-00002.safetensors"}}'
)
GGUF = gguf(
    {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.embedding_length": 64,
        "llama.attention.head_count": 8,
        "llama.attention.head_count_kv": 2,
        "llama.context_length": 4096,
        "tokenizer.ggml.tokens": ["<s>", "a", "b"],
    },
    ("blk.0.attn_k.weight", 12, (256, 2), 288),
    ("output_norm.weight", 0, (64,), 256),
)
WEIGHTS_WORDS = (
    *(kind.encode() for kind in ("BF16", "F32", "F8_E4M3", '"shape": [', "data_offsets", "__metadata__", "-1", "1e9")),
    *(struct.pack("<I", kind) for kind in (4, 8, 9, 12, 30)),
    *(struct.pack("<Q", number) for number in (1 << 20, 1 << 40, 1 << 63)),
)
