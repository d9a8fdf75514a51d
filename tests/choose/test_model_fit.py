"""Whether models fit: names, ranges, verdicts, files, and what both outputs say."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import jsonschema
import pytest
from tests.fuzz.seeds import GGUF, SAFETENSORS

from torchsmith import cli
from torchsmith.app import assume
from torchsmith.app import model_fit as app
from torchsmith.choose import model_fit, model_names, model_needs
from torchsmith.host.local import LocalHost
from torchsmith.knowledge import models
from torchsmith.knowledge.compiled.model_memory import ROWS
from torchsmith.model.errors import UnreadableInputError, UsageError
from torchsmith.model.facts.gpu import Device, Gpus
from torchsmith.model.fit import ModelFit
from torchsmith.model.known import Unknown
from torchsmith.report import model_fit_json, model_fit_text

SCHEMA = json.loads((Path(model_fit_json.__file__).parent / "schema" / "model-fit-1.schema.json").read_text("utf-8"))
GIB = 1024


def answered(text: str, *gpus: str, free: float | None = None, windows: bool = False) -> ModelFit:
    """The answer for GPUs by name, or for one with so many GiB free."""
    if free is not None:
        devices = Gpus((Device(0, "Some GPU", 86, memory=int(free + 2) << 30, free=int(free * 1024) << 20),), "NVML")
    else:
        devices = assume.facts([f"gpu={name}" for name in gpus or ("none",)])["gpus"].value  # type: ignore[union-attr]
    return model_fit.answer(model_names.parse(text), devices, windows=windows, assumed=free is None)


@pytest.mark.parametrize(
    ("text", "model", "kinds", "programs", "use"),
    [
        ("whisper:large-v2@faster-whisper", "whisper:large-v2", [], ["faster-whisper"], "inference"),
        ("openai/whisper-large-v3", "whisper:large-v3", [], [], "inference"),
        ("large-v3-turbo@ct2,int8", "whisper:turbo", ["int8"], ["faster-whisper"], "inference"),
        ("faster-whisper:medium", "whisper:medium", [], ["faster-whisper"], "inference"),
        ("7b@bf16", "7b", ["bf16"], [], "inference"),
        ("70b@nf4:training", "70b", ["nf4"], [], "lora"),
        ("7b@bf16:training", "7b", ["bf16"], [], "training"),
        ("7b:training", "7b", [], [], "training"),
        ("13b@qlora", "13b", ["nf4"], [], "lora"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b", [], [], "inference"),
        ("Qwen2.5-7B-Instruct-AWQ", "qwen2.5-7b", ["int4"], [], "inference"),
        ("deepseek-r1-distill-llama-70b@q4_k_m", "deepseek-r1-distill-llama-70b", ["q4_k_m"], [], "inference"),
        ("1.5b@fp16+transformers", "1.5b", ["fp16"], ["transformers"], "inference"),
    ],
)
def test_names(text: str, model: str, kinds: list[str], programs: list[str], use: str) -> None:
    asked = model_names.parse(text)
    told = asked.model.name, [kind.name for kind in asked.number_types], [item.name for item in asked.implementations], asked.use
    assert told == (model, kinds, programs, use)


def test_options_of_a_name() -> None:
    asked = model_names.parse("7b@bf16:ctx=8k,batch=4")
    assert (asked.tokens, asked.items) == (8192, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("whisper:large-v4", "nearest are whisper:large"),
        ("lama-3.1-8b", None),
        ("blub", "no model is known as `blub`"),
        ("7b@bf61", "nearest are bf16"),
        ("7b@bf16:trianing", "nearest are training"),
        ("whisper:base@faster-whisper:nf4", "faster-whisper runs fp16, int8, fp32, not nf4"),
        ("7b@bf16:ctx=99999999", "out of range"),
        ("", "no model is known"),
        ("@bf16", "no model is known"),
        ("0b", "no model is known"),
        ("a" * 10_000, "no model is known"),
    ],
)
def test_bad_names(text: str, words: str | None) -> None:
    if words is None:
        assert model_names.parse(text).sized  # a size is as good as a name
        return
    with pytest.raises(UsageError, match=words):
        model_names.parse(text)


@pytest.mark.parametrize("row", [row for row in ROWS if row[5] == "measured"], ids=str)
def test_what_was_measured_lies_in_the_range(row: tuple[str, str, str, int, int, str, str, str]) -> None:
    asked = model_names.parse(f"{row[0]}@{row[1]},{row[2]},items={row[3]}")
    needs = [need for need in model_needs.of(asked) if (need.implementation, need.number_type) == row[1:3]]
    assert [need.low <= row[4] <= need.high for need in needs] == [True]
    assert needs[0].measured
    assert row[7] in needs[0].sources


@pytest.mark.parametrize("row", [row for row in ROWS if row[5] == "measured"], ids=str)
def test_the_estimate_agrees_with_what_was_measured(row: tuple[str, str, str, int, int, str, str, str]) -> None:
    """The formula for models that nobody measured, held against those that somebody did."""
    asked = model_names.parse(f"{row[0]}@{row[2]},items={row[3]}")
    program = next(item for item in models.implementations() if item.name == row[1])
    kind = next(item for item in models.types() if item.name == row[2])
    need = model_needs.computed(asked, program, kind)
    assert need.low * 0.9 <= row[4] <= need.high * 1.1


def test_weights_are_a_floor_and_types_order_the_needs() -> None:
    for name in ("7b", "llama-3.1-8b", "70b", "qwen2.5-0.5b"):
        sizes = []
        for kind in ("fp32", "bf16", "int8", "nf4"):
            asked = model_names.parse(f"{name}@{kind}:transformers")
            (need,) = model_needs.of(asked)
            assert need.low > asked.model.params_m * asked.number_types[0].millibytes * 1000 >> 20
            assert need.low <= need.high
            sizes.append((need.low, need.high))
        assert sizes == sorted(sizes, reverse=True)


def test_more_context_and_more_requests_take_more() -> None:
    options = ("ctx=2k", "ctx=32k", "ctx=32k,batch=4")
    few, more, many = (model_needs.of(model_names.parse(f"llama-3.1-8b@bf16:{option}"))[0].high for option in options)
    assert few < more < many
    # 32 layers, 8 heads of 128, two of each in two bytes: 128 KiB for a token
    assert next(p for p in model_needs.of(model_names.parse("llama-3.1-8b@bf16:ctx=8k"))[0].parts if "keys" in p.name).low == 1024


def test_training_takes_gradients_and_moments() -> None:
    (full,) = model_needs.of(model_names.parse("llama-3.1-8b@bf16:training"))
    (adapter,) = model_needs.of(model_names.parse("llama-3.1-8b@bf16:lora"))
    (packed,) = model_needs.of(model_names.parse("llama-3.1-8b@nf4:lora"))
    assert full.low > 8 * 8030 * 1_000_000 >> 20
    assert packed.low < adapter.low < full.low


@pytest.mark.parametrize(
    ("text", "free", "verdict"),
    [
        ("whisper:large-v2@faster-whisper:int8", 3.5, "fits"),
        ("whisper:large-v2@faster-whisper:int8", 2.9, "tight"),
        ("whisper:large-v2@faster-whisper:int8", 2.0, "does-not-fit"),
        ("whisper:large-v2@faster-whisper", 4.0, "fits"),  # as int8
        ("llama-3.1-8b@bf16", 24, "fits"),
        ("llama-3.1-8b@bf16", 12, "does-not-fit"),
        ("llama-3.1-8b@nf4", 8, "fits"),
        ("70b@nf4", 24, "does-not-fit"),
    ],
)
def test_verdicts_on_free_memory(text: str, free: float, verdict: str) -> None:
    found = answered(text, free=free)
    assert found.verdict == verdict
    assert found.rooms[0].low == found.rooms[0].high == int(free * 1024)
    if verdict != "fits":
        assert found.advice


def test_advice_would_fit() -> None:
    found = answered("llama-3.1-8b@bf16", free=12)
    assert found.advice[0].startswith("int8 with transformers")
    for line in found.advice[:-1]:
        change, _, rest = line.partition(": ")
        assert float(rest.split()[2]) <= 12 or rest.endswith("tight"), line
        assert change
    assert "GiB free" in found.advice[-1]


def test_assumed_gpus_are_said_to_be_so() -> None:
    found = answered("7b@int8", "RTX 5070 Ti", windows=True)
    (room,) = found.rooms
    assert (room.total, room.low, room.high) == (16 * GIB, 16 * GIB - 1536, 16 * GIB - 512)
    assert "assumed" in room.basis
    assert "desktop" in room.basis
    assert any("Windows moves" in remark for remark in found.remarks)
    assert answered("7b@int8", "V100").rooms[0].low == 16 * GIB  # no desktop there; the smaller of two that were sold


def test_several_gpus_hold_together_what_none_holds_alone() -> None:
    found = answered("70b@nf4", "RTX 3090", "RTX 3090", "RTX 3090")
    assert {fit.verdict for fit in found.fits if fit.room.index >= 0} == {"does-not-fit"}
    together = next(fit for fit in found.fits if fit.room.index < 0)
    assert (together.verdict, found.verdict) == ("fits", "fits")
    assert not any(fit.room.index < 0 for fit in answered("whisper:large-v2", "RTX 3090", "RTX 3090").fits)


def test_what_nobody_can_tell() -> None:
    unknown = model_fit.answer(model_names.parse("7b"), Unknown("the driver does not answer"), windows=False, assumed=False)
    assert unknown.verdict == "unknown"
    nameless = model_fit.answer(model_names.parse("7b@bf16"), Gpus((Device(0),)), windows=False, assumed=False)
    assert nameless.verdict == "unknown"
    assert answered("7b@bf16").verdict == "does-not-fit"


def test_the_guides_table_is_told_to_be_wrong_for_both() -> None:
    for name in ("base", "small", "medium", "large-v2"):
        (claim,) = answered(f"whisper:{name}", "RTX 3060").claims
        assert claim.source == "whisperx-guide"
        assert "right for neither" in claim.text
        assert "OpenAI states" in claim.text
        assert "faster-whisper takes" in claim.text
    assert not answered("7b", "RTX 3060").claims


def test_types_that_the_gpu_does_not_compute_with() -> None:
    assert any("fp8 is held as such" in remark for remark in answered("7b@fp8", "RTX 3090").remarks)
    assert not any("is held as such" in remark for remark in answered("7b@fp8", "RTX 4090").remarks)


def test_files(tmp_path: Path) -> None:
    gguf, tensors = tmp_path / "m.gguf", tmp_path / "model.safetensors"
    gguf.write_bytes(GGUF)
    tensors.write_bytes(SAFETENSORS[0])
    host = LocalHost()
    given = assume.facts(["gpu=RTX 3060"])
    found = app.answer(host, host, given, str(gguf))
    assert (found.needs[0].implementation, found.needs[0].number_type, found.verdict) == ("llama.cpp", "q4_k_m", "fits")
    other = app.answer(host, host, given, f"{tensors}@bf16:ctx=4k")
    assert (other.model, other.needs[0].implementation) == ("model.safetensors", "transformers")


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"\0" * 40, struct.pack("<Q", 1 << 40) + b"{}", b"GGUF\3\0\0\0" + b"\xff" * 16]
)
def test_hostile_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(UnreadableInputError, match="cannot be read as a file of weights"):
        app.weights(LocalHost(), str(path))
    with pytest.raises(UnreadableInputError):
        app.weights(LocalHost(), str(tmp_path / "none.gguf"))
    with pytest.raises(UnreadableInputError):
        app.weights(LocalHost(), "/dev/zero.gguf")


@pytest.mark.parametrize(("text", "code"), [("whisper:large-v2@faster-whisper", 0), ("70b@bf16", 1), ("7b@bf16", 0), ("blub", 2)])
def test_command(capsys: pytest.CaptureFixture[str], text: str, code: int) -> None:
    given = ["plan", "--model", text, "--assume", "os=windows", "--assume", "gpu=RTX 5070 Ti", "--assume", "driver=581.57"]
    assert cli.run([*given, "--json"]) == code
    out = capsys.readouterr().out
    if code == 2:
        return
    document = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert cli.run(given) == code
    page = capsys.readouterr().out
    assert max(map(len, page.splitlines())) <= 80
    assert document["gpus"][0]["name"] in page


def test_outputs_show_nothing_that_lives() -> None:
    devices = Gpus((Device(0, "GPU\x1b[31m\u202e", 86, memory=8 << 30, free=8 << 30),), "NVML")
    found = model_fit.answer(model_names.parse("7b@bf16"), devices, windows=False, assumed=False)
    for text in (model_fit_text.render(found), model_fit_json.render(found)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    jsonschema.validate(model_fit_json.document(found), SCHEMA)


@pytest.mark.parametrize("name", ["99999b", "\u0667b@bf16", "nosuch:model"])
def test_what_no_model_can_be(name: str) -> None:
    with pytest.raises(UsageError) as told:
        model_names.parse(name)
    assert "nearest" not in str(told.value)
