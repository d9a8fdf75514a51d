"""Headers of GGUF files: the model's shape from its metadata, the bytes of its tensors from their list."""

from __future__ import annotations

import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader
from torchsmith.model.weights import Weights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAGIC = b"GGUF"
HEADER_LIMIT = 128 << 20
"""Bytes that a header may have: the tokens of the largest vocabularies take ten."""

BLOCK = 1 << 16
"""Bytes that are read at once."""

KEYS_LIMIT, TENSORS_LIMIT, ITEMS_LIMIT, NAME_LIMIT = 4096, 100_000, 4_000_000, 1 << 16

FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
"""The types of values that have one size, as ``struct`` names them; 8 is a string, 9 an array."""

STRING, ARRAY = 8, 9

BLOCKS = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
"""Name, numbers in a block and bytes of a block of each tensor type."""


def read(file: BinaryFile, size: int, path: str = "") -> Weights:
    """The shape and the size of the model.

    Raises:
        BinaryError: it is no such file, or one beyond the limits.

    """
    cursor = _Cursor(Reader(file, size))
    if cursor.take(4, "the magic") != MAGIC:
        raise BinaryError("it does not begin as a GGUF file")
    (version,) = cursor.numbers("I", "the version")
    if version not in {2, 3}:
        raise BinaryError(f"GGUF version {version} is not 2 or 3")
    tensors, keys = cursor.numbers("QQ", "the counts")
    if tensors > TENSORS_LIMIT or keys > KEYS_LIMIT:
        raise BinaryError(f"{tensors} tensors and {keys} keys are more than any model has")
    about: dict[str, Any] = {}
    for _ in range(keys):
        name = cursor.text("a key")
        value = cursor.value()
        if value is not None and len(about) < KEYS_LIMIT:
            about[name] = value
    types: dict[str, int] = {}
    numbers = 0
    for _ in range(tensors):
        kind, count, taken = _tensor(cursor)
        types[kind] = types.get(kind, 0) + taken
        numbers += count
    total = sum(types.values())
    if total > size:
        raise BinaryError("the tensors are larger than the file", cut_short=True)
    return _told(about, numbers, total, types, path)


def _tensor(cursor: _Cursor) -> tuple[str, int, int]:
    """Type, numbers and bytes of the next tensor."""
    name = cursor.text("a tensor's name")
    (dimensions,) = cursor.numbers("I", "the dimensions")
    if dimensions > 8:
        raise BinaryError(f"the tensor {name[:80]!r} has {dimensions} dimensions")
    count = 1
    for width in cursor.numbers("Q" * dimensions, "the shape"):
        count *= width
    number, _offset = cursor.numbers("IQ", "the type")
    if number not in BLOCKS:
        raise BinaryError(f"the tensor {name[:80]!r} is of the unknown type {number}")
    kind, block, taken = BLOCKS[number]
    if count % block or count >= 1 << 50:
        raise BinaryError(f"the tensor {name[:80]!r} is no whole number of blocks")
    return kind, count, count // block * taken


def _told(about: dict[str, Any], numbers: int, total: int, types: dict[str, int], path: str) -> Weights:
    architecture = about.get("general.architecture")
    architecture = architecture if isinstance(architecture, str) and len(architecture) < 40 else ""

    def size_of(name: str) -> int | None:
        found = about.get(f"{architecture}.{name}")
        return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1 << 24 else None

    hidden, heads = size_of("embedding_length"), size_of("attention.head_count")
    width = size_of("attention.key_length") or (hidden // heads if hidden and heads else None)
    return Weights(
        "gguf",
        numbers,
        total,
        tuple(sorted(types.items(), key=lambda item: -item[1])),
        architecture,
        size_of("block_count"),
        size_of("attention.head_count_kv") or heads,
        width,
        hidden,
        size_of("context_length"),
        "-of-" not in path.rpartition("/")[2],
        path,
    )


class _Cursor:
    """Reads one thing after another, in bounds."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._at, self._items = reader, 0, ITEMS_LIMIT
        self._data, self._start = b"", 0

    def take(self, length: int, what: str) -> bytes:
        """The next bytes."""
        if self._at + length > HEADER_LIMIT:
            raise BinaryError(f"the header is longer than {HEADER_LIMIT >> 20} MiB")
        end = self._at + length - self._start
        if end > len(self._data):  # in blocks: a vocabulary has a hundred thousand strings
            self._data = self._reader.up_to(self._at, max(length, BLOCK), what)
            self._start, end = self._at, length
            if end > len(self._data):
                raise BinaryError(f"{what} lies behind the end of the file", cut_short=True)
        found = self._data[self._at - self._start : end]
        self._at += length
        return found

    def numbers(self, layout: str, what: str) -> tuple[Any, ...]:
        """The next numbers."""
        fields = struct.Struct(f"<{layout}")
        return fields.unpack(self.take(fields.size, what))

    def text(self, what: str) -> str:
        """The next string."""
        (length,) = self.numbers("Q", what)
        if length > NAME_LIMIT:
            self.skip(length)
            return ""
        return self.take(length, what).decode("utf-8", "replace")

    def skip(self, length: int) -> None:
        """Pass over bytes."""
        self._at += length
        if self._at > HEADER_LIMIT:
            raise BinaryError(f"the header is longer than {HEADER_LIMIT >> 20} MiB")

    def value(self) -> Any:
        """The next value; None for an array, which no caller needs."""
        (kind,) = self.numbers("I", "the type of a value")
        if kind == STRING:
            return self.text("a text")
        if kind in FIXED:
            return self.numbers(FIXED[kind], "a number")[0]
        if kind != ARRAY:
            raise BinaryError(f"a value is of the unknown type {kind}")
        inner, count = self.numbers("IQ", "an array")
        self._items -= count
        if self._items < 0:
            raise BinaryError(f"arrays of more than {ITEMS_LIMIT} items")
        if inner in FIXED:
            self.skip(count * struct.calcsize(f"<{FIXED[inner]}"))
        elif inner == STRING:
            for _ in range(count):
                (length,) = self.numbers("Q", "a text")
                self.skip(length)
        else:
            raise BinaryError(f"an array of the unknown type {inner}")
        return None
