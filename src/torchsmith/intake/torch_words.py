"""What torch itself prints: its version, its arch list, and the parts of its warnings that state facts (a CUDA status, a GPU)."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.facts.gpu import Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "torch's words"
_VERSION = r"(?P<version>\d{1,2}\.\d{1,2}(?:\.\d{1,3})?(?:a0|rc\d)?(?:\.(?:post|dev)\d{1,9})?(?:\+[A-Za-z0-9.]{2,40})?)"
_NAMED = re.compile(
    r"(?:^|[\s,(])(?:torch\.__version__\s{0,3}[=:]?|[Tt]orch(?: version)?\s?[:=]"
    r"|torch-(?=\d)|PyTorch(?: version)?\s?:|Torch (?=\d))"
    rf"\s{{0,3}}'?{_VERSION}(?:'|\b)"
)
_PRINTED = re.compile(rf"'?{_VERSION}'?(?: (?P<available>True|False))?$")
_INCOMPATIBLE = re.compile(
    r"\s{0,8}(?P<name>[A-Za-z][\w .-]{2,60}) with CUDA capability sm_(?P<sm>\d{2,3}) is not compatible with the current PyTorch"
)
_SUPPORTS = re.compile(
    r"The current PyTorch install supports CUDA capabilities (?P<archs>(?:(?:sm|compute)_\d{2,3}[af]?[ ,.]{0,3}){1,40})"
)
_ARCH_LIST = re.compile(r"\[(?P<archs>(?:'(?:sm|compute)_\d{2,3}[af]?'(?:, )?){1,40})\]")
_ARCH = re.compile(r"(?:sm|compute)_\d{2,3}[af]?")
_FOUND = re.compile(
    r"Found GPU(?P<index>\d{1,3}) (?P<name>[A-Za-z][\w .-]{2,60}) which is of cuda capability (?P<major>\d{1,2})\.(?P<minor>\d)"
)
_STATUS = re.compile(r"\bError (?P<status>[1-9]\d{0,2}): (?P<words>[a-z][\w ,'-]{5,80})")
_TOO_OLD = re.compile(r"driver on your system is too old \(found version (?P<number>\d{4,5})\)")


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """Versions, arch lists, GPUs and states, each from the one line that says it."""
    asked = False
    for line in lines:
        text = line.text
        named = _NAMED.search(text) or (_PRINTED.fullmatch(text.strip()) if asked else None)
        asked = "torch.__version__" in text and not named
        if named:
            yield Clue("torch-version", named["version"], FORM, line.number)
        for about, value in _facts(text):
            yield Clue(about, value, FORM, line.number)


def _facts(text: str) -> Iterator[tuple[str, object]]:
    if matched := _INCOMPATIBLE.match(text):
        yield "gpu", Device(0, matched["name"].strip(), int(matched["sm"]))
    if matched := _FOUND.search(text):
        yield "gpu", Device(int(matched["index"]), matched["name"].strip(), int(matched["major"] + matched["minor"]))
    if matched := _SUPPORTS.search(text) or _ARCH_LIST.search(text):
        yield "arch-list", tuple(_ARCH.findall(matched["archs"]))
    if "Torch not compiled with CUDA enabled" in text:
        yield "torch-cuda", None
    if matched := re.search(r"(?:torch\.version\.cuda|CUDA build)\s?[:=]\s?'?(?P<cuda>None|\d{1,2}\.\d{1,2})", text):
        yield "torch-cuda", None if matched["cuda"] == "None" else matched["cuda"]
    if matched := re.search(r"torch\.cuda\.is_available\(?\)?\s{0,3}(?:[:=]|->)\s{0,3}(?P<yes>True|False)", text):
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
