"""Pasted text, fuzzed: what the intake and ``explain`` promise for any bytes, and texts to begin with."""

from __future__ import annotations

import codecs
import importlib
import json
import pkgutil
from contextlib import suppress
from pathlib import Path

from torchsmith.app import explain
from torchsmith.intake import formats, signatures, text
from torchsmith.intake.clue import Line
from torchsmith.model.complaint import Complaint
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.finding import Outcome
from torchsmith.model.known import Known
from torchsmith.model.record import plain

TESTS = Path(__file__).parents[1]
UNPRINTABLE = {*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u202e", "\u200b"}

for _package in ("app", "derive", "intake", "knowledge", "managers", "rules"):  # rules are imported when they are first asked
    _folder = importlib.import_module(f"torchsmith.{_package}")
    for _module in pkgutil.walk_packages(_folder.__path__, f"torchsmith.{_package}."):
        importlib.import_module(_module.name)
for _page in ("gb18030", "cp932", "cp949", "big5", "cp1251", "cp1252", "utf-32", "utf-16-le", "utf-16-be", "utf-8-sig"):
    codecs.lookup(_page)


def seeds() -> tuple[bytes, ...]:
    """Some of the captured and quoted machines, and of the cases: every family, every eighth case."""
    machines = [path.read_bytes() for path in sorted((TESTS / "machines").glob("*/evidence.txt"))[::6]]
    cases = []
    for path in sorted((TESTS / "cases").glob("*.jsonl")):
        lines = path.read_text("utf-8").splitlines()[::24]
        cases += ["\n\n".join(map(str, json.loads(line)["inputs"].values())).encode() for line in lines]
    dressed = (
        b'{"log": "Traceback (most recent call last):\\n  File \\"a.py\\", line 1\\nRuntimeError: CUDA error: out of memory\\n"}'
        * 2,
        "2026-01-02T03:04:05.6Z ##[error]OSError: [WinError 126] 找不到指定的模块\n".encode("gb18030") * 2,
        "PyTorch version: 2.8.0+cu128\nGPU 0: NVIDIA A100\n".encode("utf-16"),
    )
    return tuple(data[:2048] for data in (*machines, *cases, *dressed))


WORDS = tuple(
    word.encode()
    for word in (
        *(
            "torch==2.8.0+cu128",
            "CUDA error: ",
            "RuntimeError: ",
            "undefined symbol: ",
            "libcudart.so.12",
            "sm_120",
            "[WinError 126] ",
        ),
        *("Driver Version: 570.86.15", "CUDA Version: 12.8", "GPU 0: NVIDIA GeForce RTX 4090", "no kernel image is available"),
        *(
            "\\n",
            "\x1b[31m",
            "\x1b]0;",
            "2026-01-02T03:04:05Z ",
            "[rank0]: ",
            "> ",
            "&gt;",
            "| ",
            "```",
            "\r\n",
            "\n",
            "\0",
            "\ufeff",
        ),
        *(
            "Successfully installed ",
            "Package  Version\n",
            "[conda] ",
            "export CUDA_HOME=",
            "FROM nvidia/cuda:",
            "[tool.uv.sources]",
        ),
        *(
            "\u202e",
            "找不到",
            "\u00a0",
            "’",
            "<details>",
            "$(rm)",
            "NVRM: Xid (PCI:0000:01:00): 79",
            "Traceback (most recent call last):",
        ),
    )
)


def _lines(data: bytes) -> tuple[Line, ...]:
    said = text.decode(data)
    found = text.lines(said)
    most = said.count("\n") + said.count("\r") + 1
    before = 0
    for line in found:
        assert before <= line.number <= most, "lines are numbered in order"
        assert 0 < len(line.text) <= text.LINE_LIMIT, "lines are bounded"
        assert not set(line.text) & UNPRINTABLE, "lines are printable"
        before = line.number
    return found


def decoded(data: bytes) -> None:
    """Any bytes become printable, bounded, numbered lines, or are refused in words."""
    _lines(data)
    with suppress(UnreadableInputError):
        text.refuse(data)


def stated(data: bytes) -> None:
    """Facts can be written, are printable, and say where they stand."""
    lines = _lines(data)
    numbers = {line.number for line in lines}
    for name, fact in formats.facts(lines).items():
        if isinstance(fact, Known):
            written = json.dumps(plain(fact.value), ensure_ascii=False)
            assert not set(written) & UNPRINTABLE, f"{name} is printable"
            assert fact.position is None or fact.position.line in numbers, f"{name} has its line"


def complained(data: bytes) -> None:
    """Complaints are in order and quote the line that they name."""
    lines = _lines(data)
    found = signatures.read(lines)
    for complaint in found:
        _stands(complaint, {line.number for line in lines})
    places = [(complaint.position.line, complaint.position.column) for complaint in found]
    assert places == sorted(places), "complaints are in order"


def _stands(complaint: Complaint, numbers: set[int]) -> None:
    assert complaint.position.line in numbers, "a complaint has its line"
    assert 1 <= complaint.position.column <= text.LINE_LIMIT, "a column is in the line"
    assert len(complaint.text) <= signatures.SHOWN + 6, "a quotation is short, with the marks of what was cut"
    assert not set("".join(complaint.captured.values())) & UNPRINTABLE, "what is captured is printable"
    if complaint.mark:
        assert 0 <= complaint.mark[0] <= complaint.mark[1] <= len(complaint.text), "the mark is in the quotation"


def explained(data: bytes) -> None:
    """End to end: a verdict, ranked causes with honest numbers, printable commands, and no rule that crashes."""
    answer = explain.explain(data)
    assert [j.rule for j in answer.judgements if j.outcome is Outcome.CRASHED] == [], "no rule crashes"
    for finding in answer.root_causes:
        assert 0 < finding.confidence <= 1, "confidence is a probability"
        assert finding.summary, "a finding says something"
        written = json.dumps(plain(finding), ensure_ascii=False, default=str)
        assert not set(written) & UNPRINTABLE, "a finding is printable"


def mended(data: bytes) -> bytes:
    """Zeros make everything UTF-16; without them the damage is in the text."""
    return data.replace(b"\0", b" ")
