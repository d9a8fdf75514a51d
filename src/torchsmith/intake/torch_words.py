"""What torch itself prints: its version, its arch list, and the parts of its warnings that state facts (a CUDA status, a GPU)."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.facts.gpu import Device
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "torch's words"
_VERSION = r"(?P<version>\d{1,2}\.\d{1,2}(?:\.\d{1,3})?(?:a0|rc\d)?(?:\.(?:post|dev)\d{1,9})?(?:\+[A-Za-z0-9.]{2,40})?)"
_NAMED = pattern(
    r"(?:^|[\s,(])(?:torch\.__version__\s{0,3}[=:]?|[Tt]orch(?: version)?\s?[:=]"
    r"|torch-(?=\d)|PyTorch(?: version)?\s?:|Torch (?=\d))"
    rf"\s{{0,3}}'?{_VERSION}(?:'|\b)"
)
# What an installer does with torch is no word of torch's: the last step counts, not the first (intake/installing.py).
_INSTALLER = pattern(r"[Uu]ninstall|Successfully installed|Would install")
_INCOMPATIBLE = pattern(
    r"\s{0,8}(?P<name>[A-Za-z][\w .-]{2,60}) with CUDA capability sm_(?P<sm>\d{2,3}) is not compatible with the current PyTorch"
)
_SUPPORTS = pattern(
    r"The current PyTorch install supports CUDA capabilities (?P<archs>(?:(?:sm|compute)_\d{2,3}[af]?[ ,.]{0,3}){1,40})"
)
_ARCH_LIST = pattern(r"\[(?P<archs>(?:'(?:sm|compute)_\d{2,3}[af]?'(?:, )?){1,40})\]")
_ARCH = pattern(r"(?:sm|compute)_\d{2,3}[af]?")
_FOUND = pattern(
    r"Found GPU(?P<index>\d{1,3}) (?P<name>[A-Za-z][\w .-]{2,60}) which is of (?:cuda capability|compute capability \(CC\))"
    r" (?P<major>\d{1,2})\.(?P<minor>\d)"
)
_STATUS = pattern(r"\bError (?P<status>[1-9]\d{0,2}): (?P<words>[a-z][\w ,'-]{5,80})")
_TOO_OLD = pattern(r"driver on your system is too old \(found version (?P<number>\d{4,5})\)")


# What a session asks of torch, and what the answer looks like, on one of the next lines and perhaps behind a label.
_LABEL = r"(?:Out\[\d{1,4}\]: ?|[\w .'()-]{1,40}[:=] ?)?"
_QUESTIONS = {
    "torch.__version__": ("torch-version", pattern(_LABEL + f"'?{_VERSION}'?")),
    "torch.version.cuda": ("torch-cuda", pattern(_LABEL + r"'?(?P<cuda>None|\d{1,2}\.\d{1,2})'?")),
    "torch.cuda.is_available()": ("cuda-available", pattern(_LABEL + r"(?P<yes>True|False)")),
    "torch.cuda.get_device_name(": ("gpu", pattern(_LABEL + r"'?(?P<name>[A-Z][\w .-]{3,60}?)'?")),
}
_ASKS = pattern(r"torch\.__version__|torch\.version\.cuda|torch\.cuda\.is_available\(\)|torch\.cuda\.get_device_name\(")
WAITS, SHORT = 4, 100
"""Lines between a question and its answer (warnings are printed there), and characters of an answer."""


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """Versions, arch lists, GPUs and states, each from the one line that says it, or from the answer to a question."""
    waiting: list[str] = []
    patience = 0
    for line in lines:
        text = line.text
        if _INSTALLER.search(text):
            continue
        named = _NAMED.search(text)
        if named:
            yield Clue("torch-version", named["version"], FORM, line.number)
        stated = tuple(_facts(text))
        for about, value in stated:
            yield Clue(about, value, FORM, line.number)
        if not named and not stated and (asked := _ASKS.findall(text)):
            waiting, patience = (waiting + asked)[-8:], WAITS
        elif waiting:
            answered, answers = _answers(text.strip(), waiting)
            for about, value in answers:
                yield Clue(about, value, FORM, line.number)
            del waiting[:answered]
            patience -= not answers
            if patience < 0:
                waiting = []


def _answers(text: str, waiting: list[str]) -> tuple[int, list[tuple[str, object]]]:
    """What this line answers, and how many questions are done with: all of them, in one word each, or any of them.

    Those before the answered one had no answer, or one in words that say nothing.
    """
    if len(text) >= SHORT:
        return 0, []
    words = text.split() if len(waiting) > 1 else []
    if len(words) == len(waiting) and all(_QUESTIONS[q][1].fullmatch(w) for q, w in zip(waiting, words, strict=True)):
        return len(words), [_answer(question, word) for question, word in zip(waiting, words, strict=True)]
    for place, question in enumerate(waiting):
        if _QUESTIONS[question][1].fullmatch(text):
            return place + 1, [_answer(question, text)]
    return 0, []


def _answer(question: str, text: str) -> tuple[str, object]:
    about, pattern = _QUESTIONS[question]
    said = pattern.fullmatch(text)
    values = said.groupdict() if said else {}
    if about == "torch-cuda":
        return about, None if values["cuda"] == "None" else values["cuda"]
    if about == "cuda-available":
        return about, values["yes"] == "True"
    return (about, Device(0, values["name"].strip())) if about == "gpu" else (about, values["version"])


def _facts(text: str) -> Iterator[tuple[str, object]]:
    if matched := _INCOMPATIBLE.match(text):
        yield "gpu", Device(0, matched["name"].strip(), int(matched["sm"]))
    if matched := _FOUND.search(text):
        yield "gpu", Device(int(matched["index"]), matched["name"].strip(), int(matched["major"] + matched["minor"]))
    if matched := _SUPPORTS.search(text) or _ARCH_LIST.search(text):
        yield "arch-list", tuple(_ARCH.findall(matched["archs"]))
    if "Torch not compiled with CUDA enabled" in text:
        yield "torch-cuda", None
    if matched := re.search(r"(?:torch\.version\.cuda|CUDA build)\s?[:=]?\s?'?(?P<cuda>None|\d{1,2}\.\d{1,2})", text):
        yield "torch-cuda", None if matched["cuda"] == "None" else matched["cuda"]
    if matched := re.search(
        r"torch\.cuda\.is_available\(?\)?`?\s{0,3}(?:[:=]|->|is|returns?|gives?|=>)?\s{0,3}`?(?P<yes>True|False)\b", text
    ):
        yield "cuda-available", matched["yes"] == "True"
    if ("cudaGetDeviceCount" in text or "cuInit" in text or text.lstrip().startswith("Error ")) and (
        matched := _STATUS.search(text)
    ):
        yield "cuda-status", (int(matched["status"]), matched["words"].strip())
    if matched := _TOO_OLD.search(text):
        number = int(matched["number"])
        yield "libcuda-cuda", f"{number // 1000}.{number % 1000 // 10}"
    if "Found no NVIDIA driver on your system" in text:
        yield "libcuda-absent", True
