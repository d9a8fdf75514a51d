"""The same evidence, however it was wrapped on its way here, tells the same."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.intake import test_formats as samples

from torchsmith.intake import decoding, formats, signatures, text
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.known import Known
from torchsmith.model.record import plain

TABLE = "\n".join(line for line in samples.TABLE.splitlines() if "MIG" not in line and "|   1" not in line)
ERROR = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nRuntimeError: CUDA error: out of memory\n'
WHOLE = f"{samples.COLLECT_ENV_2X.replace('NVIDIA GeForce RTX 4090', 'NVIDIA A100-SXM4-80GB')}\n{TABLE}\n{ERROR}"


def told(data: bytes) -> tuple[dict[str, Any], set[str]]:
    lines = text.lines(text.decode(data))
    facts = {name: plain(fact.value) for name, fact in formats.facts(lines).items() if isinstance(fact, Known)}
    facts.pop("error_lines", None)
    return facts, {complaint.signature for complaint in signatures.read(lines) if complaint.role == "fatal"}


UNDRESSED = told(WHOLE.encode())
PREFIXES = {
    "GitHub Actions": "2026-01-02T03:04:05.6789012Z ",
    "Azure Pipelines": "2026-01-02T03:04:05.6789012Z ##[error]",
    "gh run view": "build\tRun the tests\t2026-01-02T03:04:05.6789012Z ",
    "GitLab": "2024-05-01T10:00:00.123456Z 01O ",
    "Jenkins": "[2024-05-01T10:00:00.123Z] ",
    "Jenkins timestamper": "10:00:00  ",
    "vLLM": "(EngineCore_0 pid=123) ERROR 05-05 12:00:00 [core.py:12] ",
    "vLLM in colour": "\x1b[1;36m(EngineCore_DP0 pid=123)\x1b[0;0m ",
    "Ray": "(RayWorkerWrapper pid=123, ip=10.0.0.1) ",
    "torch's ranks": "[rank0]: ",
    "torchrun": "[default0]:",
    "mpirun": "[1,0]<stderr>:",
    "docker compose": "app-1  | ",
    "docker compose 1": "my_app_1      | ",
    "docker buildx": "#12 34.56 ",
    "systemd journal": "May 05 12:00:00 host python[123]: ",
    "kubectl": "[pod/trainer-abc/main] ",
    "Python's logging": "2024-05-01 12:00:00,123 - ",
    "a quotation": "> ",
    "a quotation in a quotation": "> > ",
    "pytest": "E       ",
    "indented": "    ",
}
WRAPPINGS: dict[str, Callable[[str], str]] = {
    "HTML entities": html.escape,
    "no-break spaces": lambda line: line.replace(" ", "\u00a0"),
    "a box": lambda line: f"│ {line:<118} │",
    "colour": lambda line: f"\x1b[32m{line}\x1b[0m",
    "tabs": lambda line: line.replace("        ", "\t"),
    "bold fields": lambda line: re.sub(r"^([A-Z][\w /]+:)", r"**\1**", line),
    "typographic quotes": lambda line: line.replace('"', "\u201d").replace("'", "\u2019"),
    "carriage returns": lambda line: f"{line}\r",
}


@pytest.mark.parametrize("name", PREFIXES)
def test_prefixes(name: str) -> None:
    assert told("\n".join(PREFIXES[name] + line for line in WHOLE.splitlines()).encode()) == UNDRESSED


@pytest.mark.parametrize("name", WRAPPINGS)
def test_wrappings(name: str) -> None:
    assert told("\n".join(WRAPPINGS[name](line) for line in WHOLE.splitlines()).encode()) == UNDRESSED


def test_markdown() -> None:
    page = f"## Bug\nIt fails.\n<details><summary>env</summary>\n\n```shell\n{WHOLE}```\n</details>\n"
    assert told(page.encode()) == UNDRESSED


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-8-sig", "utf-32"])
def test_encodings(encoding: str) -> None:
    assert told(WHOLE.encode(encoding)) == UNDRESSED


def test_a_log_in_json() -> None:
    assert told(json.dumps({"level": "info", "log": WHOLE, "stream": "stdout"}).encode()) == UNDRESSED
    assert told(json.dumps(WHOLE).encode()) == UNDRESSED


def test_a_windows_path_is_no_break() -> None:
    line = r"OSError: C:\new\network\nvidia\bin\cudart64_12.dll not loaded " + "x" * 100
    assert [found.text for found in text.lines(line)] == [line]


def test_utf_16_behind_utf_8() -> None:
    """PowerShell's ``>>`` writes UTF-16 into a file that began as UTF-8."""
    data = b"started\n" + "RuntimeError: CUDA error: out of memory\n".encode("utf-16-le")
    assert "cuda-out-of-memory" in told(data)[1]


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        ("ImportError: DLL load failed while importing _C: 找不到指定的模块。", "utf-8"),
        ("ImportError: DLL load failed while importing _C: 找不到指定的模块。", "gb18030"),
        ("ImportError: DLL load failed while importing _C: 指定されたモジュールが見つかりません。", "cp932"),
        ("ImportError: DLL load failed while importing _C: 지정된 모듈을 찾을 수 없습니다.", "cp949"),
        ("ImportError: DLL load failed while importing _C: Das angegebene Modul wurde nicht gefunden.", "cp1252"),
        ("ImportError: DLL load failed while importing _C: Le module spécifié est introuvable.", "cp1252"),
        ("ImportError: DLL load failed while importing _C: Не найден указанный модуль.", "cp1251"),
        ('OSError: [WinError 126] Määritettyä moduulia ei löydy. Error loading "c10.dll"', "utf-8"),
        ('OSError: [WinError 126] ??????? Error loading "c10.dll"', "utf-8"),
    ],
)
def test_windows_in_other_languages(said: str, encoding: str) -> None:
    lines = text.lines(text.decode(f"first\r\n{said}\r\n".encode(encoding)))
    assert "The specified module could not be found" in lines[1].text


def test_english_windows_is_left_alone() -> None:
    said = 'OSError: [WinError 126] The specified module could not be found. Error loading "c10.dll" or one of its dependencies.'
    assert text.clean(said) == said
    assert text.clean("OSError: [WinError 193] %1 is not a valid Win32 application").count("Win32") == 1


@pytest.mark.parametrize(
    "broken",
    [
        "RuntimeError: Cannot re-initialize CUDA in forked\nsubprocess. To use CUDA with multiprocessing, use spawn",
        "RuntimeError: Cannot re-initialize CUDA in fork\ned subprocess. To use CUDA with multiprocessing, use spawn",
        "> RuntimeError: Cannot re-\n> initialize CUDA in\n> forked subprocess.",
    ],
)
def test_lines_broken_at_a_column(broken: str) -> None:
    found = [c for c in signatures.read(text.lines("one\n" + broken)) if c.signature == "cuda-in-forked-process"]
    assert [complaint.position.line for complaint in found] == [2]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x7fELF\x02\x01\x01\0" + bytes(200), "ELF"),
        (b"PK\x03\x04" + bytes(200), "wheel"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "picture"),
        (b"\x1f\x8b\x08" + bytes(range(256)), "gzip"),
        (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff" + bytes(300), "Windows"),
        (bytes(range(256)) * 40, "binary"),
        (bytes(1000), "empty"),
    ],
)
def test_what_is_no_text_is_told(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableInputError, match=said):
        decoding.refuse(data)


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        WHOLE.encode(),
        WHOLE.encode("utf-16"),
        WHOLE.encode("utf-16-be"),
        b"MZ is no program\nRuntimeError: CUDA error: out of memory\n",
        "错误: 找不到指定的模块\n".encode("gb18030") * 3,
        b"a\0b\0c\0 RuntimeError: CUDA error",
        b"\x1b[31mred\x1b[0m\n" * 50,
    ],
)
def test_text_is_not_refused(data: bytes) -> None:
    decoding.refuse(data)


def test_of_very_many_lines_the_end_is_read() -> None:
    lines = text.lines("x\n" * 300_000 + "RuntimeError: CUDA error: out of memory\n")
    assert lines[-1].number == 300_001
    assert len(lines) <= text.LINES_LIMIT
    assert [line.number for line in lines[:2]] == [1, 2]


def test_a_translated_line_is_quoted_as_it_was_written() -> None:
    """Whoever looks for the line must find it; what a caret marks is what was recognised."""
    said = (
        "OSError: [WinError 126] Das angegebene Modul wurde nicht gefunden. "
        r'Error loading "C:\v\torch\lib\fbgemm.dll" or one of its dependencies.'
    )
    found = next(c for c in signatures.read(text.lines(said)) if c.signature == "torch-dll-error")
    assert "could not be found" in found.text
    shown, mark = found.quotation
    assert shown == said
    assert mark
    assert shown[mark[0] : mark[1]].startswith("WinError 126] Das angegebene")
    assert shown[mark[0] : mark[1]].endswith(found.text[found.mark[0] : found.mark[1]][-12:] if found.mark else "")


def test_a_cut_quotation_says_so() -> None:
    line = "x" * 400 + " RuntimeError: CUDA error: no kernel image is available for execution on the device " + "y " * 400
    found = next(c for c in signatures.read(text.lines(line)) if c.signature == "no-kernel-image")
    assert found.text.startswith("...")
    assert found.text.endswith("...")
    assert found.mark
    assert "no kernel image" in found.text[found.mark[0] : found.mark[1]]
    whole = next(c for c in signatures.read(text.lines(line[401:480])) if c.signature == "no-kernel-image")
    assert "..." not in whole.text


def test_a_translated_line_is_quoted_so_over_a_break_too() -> None:
    said = (
        r'OSError: [WinError 126] Das angegebene Modul wurde nicht gefunden. Error loading "C:\v\torch\lib\c10.dll" or one of',
        "its dependencies.",
    )
    found = next(c for c in signatures.read(text.lines("\n".join(said))) if c.signature == "torch-dll-error")
    assert found.quotation[0] == " ".join(said)


def test_the_column_behind_a_translation_is_that_of_the_paste() -> None:
    error = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
    said = f"Das angegebene Modul wurde nicht gefunden. {error}"
    found = next(c for c in signatures.read(text.lines(said)) if c.signature == "no-kernel-image")
    assert said[found.position.column - 1 :].startswith(found.text[found.mark[0] : found.mark[1]] if found.mark else "?")
