"""``pip list``, ``pip freeze``, ``uv pip list``, the ``[pip3]`` lines of collect_env, and single ``torch==2.4.0`` lines."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "pip list"
_NAME, _VERSION = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,80}[A-Za-z0-9])?", r"\d[A-Za-z0-9]{0,39}(?:[.!+_-][A-Za-z0-9]{1,40}){0,12}"
_PINNED = pattern(
    rf"\s{{0,8}}(?:[-*] )?(?:\[(?P<kind>pip3?)\] )?"
    rf"(?P<name>{_NAME})(?:\[[^\]]{{0,60}}\])?===?\s?(?P<version>{_VERSION})\s{{0,4}}$"
)
_COLUMNS = pattern(rf"\s{{0,8}}(?P<name>{_NAME})(?:\s{{1,60}}|\s?[:=]\s?)(?P<version>{_VERSION})(?:\s{{1,60}}\S.{{0,200}})?$")
# What pip freeze says of a wheel that was installed from its address, and pip show in two lines.
_WHEEL = pattern(
    rf"\s{{0,8}}(?P<name>{_NAME})(?:\[[^\]]{{0,60}}\])? @ \S{{1,300}}/[A-Za-z0-9_.]{{1,80}}"
    r"-(?P<version>\d[A-Za-z0-9._!]{0,40}(?:(?:%2B|\+)[A-Za-z0-9.]{1,40})?)-(?:cp|py)\d"
)
_SHOWN_NAME, _SHOWN_VERSION = pattern(rf"Name: ({_NAME})$"), pattern(rf"Version: ({_VERSION})$")
_HEADER = pattern(r"\s{0,8}Package\s{1,80}Version\b")
# uv's list of changes: what it takes away stands there as ``- torch==2.8.0``, as an item of a list would.
_ADDED = pattern(rf"\s{{0,4}}[+~] {_NAME}==\d")
# Without the header of a list, two words make a package only where the first is one that matters here.
_MATTER = pattern(
    r"torch|torch(?:vision|audio|text|data|codec|-npu|_npu|-directml|-tensorrt)|pytorch|triton(?:-windows)?|xformers|flash[-_]attn|vllm(?:[-_]\w{2,20})?"
    r"|bitsandbytes|numpy|onnxruntime(?:-gpu)?|ctranslate2|faster-whisper|whisperx|deepspeed|sglang|accelerate|transformers|nvidia-[a-z0-9-]{3,60}",
    re.IGNORECASE,
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per package."""
    listed = False
    shown = ""
    changes = any(_ADDED.match(line.text) for line in lines)
    for line in lines:
        if changes and line.text.lstrip().startswith("- "):
            continue
        if _HEADER.match(line.text):
            listed = True
            continue
        text = line.text.strip()
        if shown and (version := _SHOWN_VERSION.match(text)):
            yield Clue("package", (normal(shown), version[1]), "pip show", line.number)
        shown = name[1] if (name := _SHOWN_NAME.match(text)) else ""
        if " @ " in text and (wheel := _WHEEL.match(text)):
            version_said = re.sub("%2B", "+", wheel["version"], flags=re.IGNORECASE)
            yield Clue("package", (normal(wheel["name"]), version_said), FORM, line.number)
            continue
        pinned = _PINNED.match(line.text)
        if pinned:
            yield _clue(pinned, "collect_env" if pinned["kind"] else FORM, line)
            continue
        matched = _COLUMNS.match(line.text)
        if matched and (listed or _MATTER.fullmatch(matched["name"])) and not _is_conda(line.text, matched, listed):
            yield _clue(matched, FORM, line)
        elif not set(line.text.strip()) <= {"-", " "}:
            listed = False


def normal(name: str) -> str:
    """A distribution's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _clue(matched: re.Match[str], form: str, line: Line) -> Clue:
    return Clue("package", (normal(matched["name"]), matched["version"]), form, line.number)


def _is_conda(text: str, matched: re.Match[str], listed: bool) -> bool:
    """A third word after name and version is conda's build string, unless a pip list goes on (its editable project folder)."""
    return not listed and bool(text[matched.end("version") :].strip())
