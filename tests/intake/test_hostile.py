"""Whatever is pasted: bounded time, no crash, nothing unprintable in a fact."""

import json
import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.intake import test_formats as samples

from torchsmith.intake import clue, formats, text
from torchsmith.model.known import Fact, Known
from torchsmith.model.record import plain

TEXTS = [value for name, value in vars(samples).items() if name.isupper() and isinstance(value, str)]
UNPRINTABLE = {*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u202e", "\u200b"} - {"\t", "\n"}
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)


def stated(data: bytes) -> dict[str, Fact[object]]:
    """The facts; the same twice, and all of it JSON."""
    found = formats.read(data)
    assert found == formats.read(data)
    written = json.dumps({name: plain(fact.value) for name, fact in found.items() if isinstance(fact, Known)}, ensure_ascii=False)
    assert not set(written) & UNPRINTABLE
    return found


@SLOW
@given(st.binary(max_size=4000))
def test_any_bytes(data: bytes) -> None:
    stated(data)


@SLOW
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4), st.data())
def test_real_text_cut_and_broken(parts: list[str], draw: st.DataObject) -> None:
    whole = "\n".join(parts).encode()
    start = draw.draw(st.integers(0, len(whole)))
    junk = draw.draw(st.binary(max_size=40))
    stated(whole[:start] + junk + whole[start + draw.draw(st.integers(0, 200)) :])


@SLOW
@given(st.lists(st.text(alphabet="|+-= \tGPU0123456789:.,()'\"[]_aeTtorch", max_size=80), max_size=60))
def test_text_of_the_letters_that_formats_use(lines: list[str]) -> None:
    stated("\n".join(lines).encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings(encoding: str, newline: str) -> None:
    found = stated(samples.COLLECT_ENV_2X.replace("\n", newline).encode(encoding))
    torch = found["torch"]
    assert isinstance(torch, Known)
    assert torch.value.version == "2.14.1+cu126"  # type: ignore[attr-defined]
    assert torch.source == "collect_env, line 2"


def test_terminal_escapes_markdown_and_logs() -> None:
    dressed = [
        f"2026-01-02T03:04:05.678Z \x1b[32m{line}\x1b[0m" if number % 2 else f"> {line}"
        for number, line in enumerate(samples.COLLECT_ENV_2X.splitlines())
    ]
    found = stated(("```\n" + "\n".join(dressed) + "\n```\n").encode())
    torch = found["torch"]
    assert isinstance(torch, Known)
    assert torch.value.version == "2.14.1+cu126"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "unit",
    [
        "a", " ", "|", "| ", "\x1b[", "\x1b]0;", "torch==1", "1.", "GPU 0: ", "[conda] a ", "= ", "'", "> ", "CUDA_A=", "\0",
        "os.environ['",
        "sm_90 ", "'sm_90', ", "Error 8: a ", "| 0 A Off | ", "- ", "nvidia-", "a-1 | ", "\u202e", "Driver Version", "(",
    ],
)  # fmt: skip
def test_long_lines_cost_little(unit: str) -> None:
    size = 1 << 20
    begun = time.process_time()
    stated((unit * (size // len(unit))).encode())
    stated((f"{unit * (400 // len(unit))}\n" * 250).encode())
    assert time.process_time() - begun < 6


def test_long_lines_are_read_in_pieces_and_counted() -> None:
    lines = text.lines("x" * 10_000 + "\n\nsecond\n")
    step = text.LINE_LIMIT - clue.OVERLAP
    pieces = [(1, text.LINE_LIMIT, 0), (1, text.LINE_LIMIT, step), (1, 10_000 - 2 * step, 2 * step)]
    assert [(line.number, len(line.text), line.start) for line in lines] == [*pieces, (3, 6, 0)]


def test_contradictions_do_not_multiply() -> None:
    many = "\n".join(f"GPU {index}: NVIDIA H200" for index in range(1000)) + "\n" + samples.CSV * 200
    found = stated(many.encode())
    smi = found["nvidia_smi"]
    assert isinstance(smi, Known)
    assert len(smi.value.devices) == 1000  # type: ignore[attr-defined]


def test_a_version_of_digits_only() -> None:
    """Found by fuzzing: a version whose parts need no point between them can be cut in too many ways."""
    begun = time.process_time()
    for count in (20, 33, 40, 400, 4000):
        stated(f'F {"8" * count}"\nCollecting torch=={"8a" * count}"\n'.encode())
    assert time.process_time() - begun < 6


RUNS = ("8", "a", ".", "-", " ", "A", "_", "8.", "a.", "a-", "1 ", "  a", ",", "/", "=", ":", "|", "'", '"', "(", "\\", "sm_90, ")


@pytest.mark.parametrize("seed", range(4))
def test_runs_of_one_character_cost_little(seed: int) -> None:
    """In real lines, at any place: what backtracks shows here before somebody pastes it."""
    random = Random(seed)
    lines = [line for sample in TEXTS for line in sample.splitlines() if line.strip()]
    made = []
    for _ in range(400):
        line = random.choice(lines)
        at = random.randrange(len(line) + 1)
        made.append(line[:at] + random.choice(RUNS) * random.choice((10, 40, 200)) + random.choice(("", '"', "!")) + line[at:])
    begun = time.process_time()
    stated("\n".join(made).encode())
    assert time.process_time() - begun < 5
