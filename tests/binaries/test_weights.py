import json
import struct
from pathlib import Path

import pytest

from tests.binaries.samples import opened
from tests.fuzz.hostile import sparse
from tests.fuzz.seeds import GGUF, SAFETENSORS, SAFETENSORS_INDEX, gguf
from torchsmith.binaries import gguf as gguf_files
from torchsmith.binaries import safetensors as tensor_files
from torchsmith.binaries.errors import BinaryError


def test_safetensors_tell_numbers_bytes_types_and_layers() -> None:
    found = tensor_files.read(*opened(SAFETENSORS[0]), "m/model.safetensors")
    assert (found.format, found.parameters, found.bytes) == ("safetensors", 8 * 16 + 16 + 16, 256 + 32 + 8)
    assert found.types == (("BF16", 288), ("F4", 8))
    assert (found.layers, found.hidden, found.whole) == (2, 16, True)
    assert not tensor_files.read(*opened(SAFETENSORS[0]), "m/model-00001-of-00003.safetensors").whole


def test_an_index_tells_all_parts_together() -> None:
    found = tensor_files.index(*opened(SAFETENSORS_INDEX))
    assert (found.bytes, found.parameters, found.layers, found.whole) == (4096, None, 4, True)


def test_gguf_tells_the_shape_and_the_blocks() -> None:
    found = gguf_files.read(*opened(GGUF), "tiny.Q4_K_M.gguf")
    assert (found.architecture, found.layers, found.kv_heads, found.head_dim, found.hidden) == ("llama", 2, 2, 8, 64)
    assert (found.parameters, found.bytes, found.types[0]) == (256 * 2 + 64, 288 + 256, ("Q4_K", 288))
    assert found.context == 4096


def header(text: str | bytes, length: int | None = None) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data) if length is None else length) + data


def tensor(**changed: object) -> bytes:
    return header(json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changed}})) + bytes(4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "lies outside"),
        (header("{}", 1 << 40), "the header would have"),
        (header("[]"), "no JSON object"),
        (header("{ "), "no JSON"),
        (header("[" * 5000), "no JSON"),
        (header('{"a": ' + "9" * 5000 + "}"), "no JSON"),
        (header(b"\xff\xfe{}"), "no JSON"),
        (tensor(dtype="Q9"), "no known type"),
        (tensor(shape=[2]), "the size that its shape needs"),
        (tensor(shape=[-1]), "no shape"),
        (tensor(shape=[True]), "no shape"),
        (tensor(shape=[1] * 17), "no shape"),
        (tensor(data_offsets=[0, 1 << 40]), "outside the file"),
        (tensor(data_offsets=[4, 0]), "outside the file"),
        (
            header(json.dumps({f"t{n}": {"dtype": "U8", "shape": [64], "data_offsets": [0, 64]} for n in range(90)})) + bytes(64),
            "on top",
        ),
    ],
)
def test_what_is_no_safetensors_file_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BinaryError, match=words):
        tensor_files.read(*opened(data))


def test_a_header_of_a_million_lists_is_refused_before_it_is_parsed() -> None:
    text = "[" + "[]," * 1_000_000 + "[]]"
    with pytest.raises(BinaryError, match="more parts than any model"):
        tensor_files.read(*opened(header(text)))


@pytest.mark.parametrize(
    "text",
    [
        '{"metadata": {}}',
        '{"metadata": {"total_size": 1e400}, "weight_map": {}}',
        "[]",
        '{"metadata": {"total_size": -1}, "weight_map": {}}',
    ],
)
def test_what_is_no_index_is_refused(text: str) -> None:
    with pytest.raises(BinaryError, match=r"index|JSON"):
        tensor_files.index(*opened(text.encode()))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GGML" + GGUF[4:], "does not begin"),
        (b"GGUF" + struct.pack("<I", 9) + GGUF[8:], "version 9"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 0), "more than any model"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40), "more than any model"),
        (gguf({"a": "x"})[:-1], "behind the end"),
        (gguf({}, ("t", 999, (4,), 16)), "unknown type 999"),
        (gguf({}, ("t", 12, (100,), 0)), "whole number of blocks"),
        (gguf({}, ("t", 0, (1 << 40,), 0)), "larger than the file"),
        (gguf({}, ("t", 0, (1 << 60, 1 << 60), 0)), "whole number of blocks"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 4, 1 << 60), "arrays of more"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 9, 1), "unknown type 9"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IQ", 8, 1 << 50), "longer than"),
    ],
)
def test_what_is_no_gguf_file_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BinaryError, match=words):
        gguf_files.read(*opened(data))


def test_tensors_are_never_read(tmp_path: Path) -> None:
    """A file of eight gigabytes costs its header."""
    told = {"a": {"dtype": "F32", "shape": [2 << 30], "data_offsets": [0, 8 << 30]}}
    beginning = header(json.dumps(told))
    path = sparse(tmp_path / "model.safetensors", beginning, len(beginning) + (8 << 30))
    with path.open("rb", buffering=0) as file:
        assert tensor_files.read(file, path.stat().st_size).parameters == 2 << 30
        assert file.tell() <= 1 << 16
