"""Headers of safetensors files, and the index of a model in several of them: what the tensors take, without reading one."""

from __future__ import annotations

import json
import re
import struct

from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.reader import BinaryFile, Reader
from torchsmith.model.pattern import pattern
from torchsmith.model.weights import Weights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HEADER_LIMIT = 16 << 20
"""Bytes: a header describes a tensor in a hundred bytes, and few models have a hundred thousand tensors."""

TENSORS_LIMIT = 150_000

BITS = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "BF16": 16,
    "F16": 16,
    "I16": 16,
    "U16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "F4": 4,
}
"""Bits of a number of each type."""

_LENGTH = struct.Struct("<Q")
_LAYER = pattern(r"(?:^|\.)(?:layers|h|blocks|block)\.(\d{1,4})\.")
_SHARD = pattern(r"-\d{5}-of-\d{5}\.safetensors$")
_KEYS = pattern(r"(?:k_proj|key|wk|attn\.k)\.weight$")
_WIDTH = pattern(r"(?:input_layernorm|ln_1|attention_norm|norm1)\.weight$")


def read(file: BinaryFile, size: int, path: str = "") -> Weights:
    """The sum of the tensors that the header lists.

    Raises:
        BinaryError: it is no such header, or one beyond the limits.

    """
    reader = Reader(file, size)
    (length,) = reader.unpack(_LENGTH, 0, "the length of the header")
    if length > HEADER_LIMIT or length < 2:
        raise BinaryError(f"the header would have {length} bytes")
    header = _json(reader.at(8, length, "the header"))
    if len(header) > TENSORS_LIMIT:
        raise BinaryError(f"{len(header)} tensors are more than {TENSORS_LIMIT}")
    types: dict[str, int] = {}
    numbers = total = 0
    layers: set[int] = set()
    shapes: dict[str, list[int]] = {}
    for name, kind, shape, start, end in _tensors(header, size - 8 - length):
        count = 1
        for width in shape:
            count *= width
        if (count * BITS[kind] + 7) // 8 != end - start:
            raise BinaryError(f"the tensor {name[:80]!r} does not have the size that its shape needs")
        types[kind] = types.get(kind, 0) + end - start
        total += end - start
        numbers += count
        if found := _LAYER.search(name):
            layers.add(int(found[1]))
        if (_KEYS.search(name) or _WIDTH.search(name)) and len(shapes) < 64:
            shapes[name] = shape
    if total > size - 8 - length:
        raise BinaryError("the tensors lie on top of each other")
    hidden = next((shape[0] for name, shape in shapes.items() if _WIDTH.search(name) and len(shape) == 1), None)
    return Weights(
        "safetensors",
        numbers,
        total,
        tuple(sorted(types.items(), key=lambda item: -item[1])),
        layers=max(layers) + 1 if layers else None,
        hidden=hidden,
        whole=not _SHARD.search(path),
        path=path,
    )


def index(file: BinaryFile, size: int, path: str = "") -> Weights:
    """What ``model.safetensors.index.json`` says of all parts together.

    Raises:
        BinaryError: it is no such index.

    """
    if size > HEADER_LIMIT:
        raise BinaryError(f"an index of {size} bytes is longer than any model needs")
    listed = _json(Reader(file, size).at(0, size, "the index"))
    about, names = listed.get("metadata"), listed.get("weight_map")
    total = about.get("total_size") if isinstance(about, dict) else None
    total = int(total) if isinstance(total, float) and total.is_integer() else total
    if not isinstance(total, int) or isinstance(total, bool) or not 0 < total < 1 << 50 or not isinstance(names, dict):
        raise BinaryError("it is no index of safetensors files: metadata.total_size or weight_map is missing")
    layers = {int(found[1]) for name in names if (found := _LAYER.search(name))}
    numbers = about.get("total_parameters") if isinstance(about, dict) else None
    sound = isinstance(numbers, int) and not isinstance(numbers, bool) and 0 < numbers < 1 << 50
    return Weights("safetensors index", numbers if sound else None, total, layers=max(layers) + 1 if layers else None, path=path)


def _json(data: bytes) -> dict[str, Any]:
    # What a header has no use for could take fifty times its size as Python values.
    if data.count(b"{") > TENSORS_LIMIT + 2 or data.count(b"[") > 2 * TENSORS_LIMIT or data.count(b",") > 10 * TENSORS_LIMIT:
        raise BinaryError("the header has more parts than any model needs")
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BinaryError(f"the header is no JSON: {re.sub(r'[^ -~]', '?', str(error))[:120]}") from None
    if not isinstance(found, dict):
        raise BinaryError("the header is no JSON object")
    return found


def _tensors(header: dict[str, Any], room: int) -> Iterator[tuple[str, str, list[int], int, int]]:
    """Name, type, shape and place of each tensor, checked."""
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        about = tensor if isinstance(tensor, dict) else {}
        kind, shape, place = about.get("dtype"), about.get("shape"), about.get("data_offsets")
        if not isinstance(kind, str) or kind not in BITS:
            raise BinaryError(f"the tensor {name[:80]!r} is of no known type")
        sizes, ends = _whole(shape, 16), _whole(place, 2)
        if sizes is None or ends is None or len(ends) != 2 or not ends[0] <= ends[1] <= room:
            raise BinaryError(f"the tensor {name[:80]!r} has no shape, or lies outside the file")
        yield name, kind, sizes, ends[0], ends[1]


def _whole(numbers: object, most: int) -> list[int] | None:
    """A short list of sizes; None for anything else."""
    if not isinstance(numbers, list) or len(numbers) > most:
        return None
    sound = all(isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << 50 for number in numbers)
    return numbers if sound else None
