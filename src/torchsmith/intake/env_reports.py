"""What other programs print of an environment: transformers, accelerate and diffusers (``env``), detectron2 and mmcv, SGLang,
DeepSpeed (``ds_report``), Lightning, Ultralytics, ComfyUI, Stable Diffusion web UIs, JAX.
"""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.knowledge import gpus
from torchsmith.model.facts.gpu import Device
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "environment report"
_VERSION = r"\d{1,2}\.\d{1,2}(?:\.\d{1,3})?(?:a0|rc\d)?(?:\.(?:post|dev)\d{1,9})?(?:\+[A-Za-z0-9.]{2,40})?"
# ``- PyTorch version (GPU?): 2.1.0+cu121 (True)``; columns (detectron2) and rows of dots (DeepSpeed) stand for the colon.
_FIELD = pattern(
    r"\s{0,12}(?:[-*+•] {1,3})?(?P<label>[A-Za-z][\w `.,()?/-]{1,44}?)"
    r"(?:\s{0,40}:\s{1,20}| \.{3,60} |\s{2,60})(?P<value>\S.{0,200})$"
)
_LABELS = {
    "platform": "platform",
    "sys platform": "system",
    "os": "system",
    "python": "python",
    "python version": "python",
    "pytorch": "torch-version",
    "pytorch version": "torch-version",
    "pytorch version (gpu?)": "torch-version",
    "torch version": "torch-version",
    "torch": "torch-version",
    "pytorch cuda version": "torch-cuda",
    "torch cuda version": "torch-cuda",
    "torch version cuda": "torch-cuda",
    "cuda available": "cuda-available",
    "gpu available": "cuda-available",
    "torch cuda is available": "cuda-available",
    "cuda driver version": "driver",
    "nvidia driver version": "driver",
    "driver version": "driver",
    "gpu type": "gpu-word",
    "device name": "gpu-word",
}
_GPUS = pattern(r"gpu (\d{1,3}(?:,\d{1,3}){0,15})")
_ARCH = pattern(r"\(arch=(\d{1,2})\.(\d)\)")
_ULTRALYTICS = pattern(
    rf"Python-(?P<python>3\.\d{{1,2}}(?:\.\d{{1,2}})?) torch-(?P<torch>{_VERSION})"
    r" (?:CUDA:\d{1,2} \((?P<gpu>[^,()]{3,60}), \d{1,7}Mi?B\)|CPU)"
)
_WEBUI = pattern(rf"python: (?P<python>3\.\d{{1,2}}(?:\.\d{{1,2}})?) {{1,4}}\S {{1,4}}torch: (?P<torch>{_VERSION})")
_COMFY = pattern(r"Device: cuda:(?P<index>\d{1,2}) (?P<name>[A-Z][\w -]{3,60}?) ?(?::|$)")


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per field that is known and says something."""
    for line in lines:
        text = line.text
        if field := _FIELD.match(text):
            label = re.sub(r"[\s._`]+", " ", field["label"]).strip().lower()
            for about, value in _field(label, field["value"].strip().strip("`")):
                yield Clue(about, value, FORM, line.number)
        if "orch" in text and (banner := _ULTRALYTICS.search(text) or _WEBUI.search(text)):
            yield Clue("python", banner["python"], FORM, line.number)
            yield Clue("torch-version", banner["torch"], FORM, line.number)
            if name := banner.groupdict().get("gpu"):
                yield Clue("gpu", Device(0, name.strip()), FORM, line.number)
        elif "Device: cuda:" in text and (device := _COMFY.search(text)):
            yield Clue("gpu", Device(int(device["index"]), device["name"].strip()), FORM, line.number)


_YES = {"true": True, "yes": True, "false": False, "no": False}
_VALUES = {
    "torch-version": pattern(rf"v?({_VERSION})(?=$|[\s,(@])"),
    "torch-cuda": pattern(r"(\d{1,2}\.\d{1,2})\b|None$"),
    "driver": pattern(r"(\d{3}\.\d{1,3}(?:\.\d{1,3})?)\b"),
    "python": pattern(r"([23]\.\d{1,2}.{0,160})"),
    "platform": pattern(r"((?:Linux|Windows|macOS|Darwin)-.{0,160})"),
}


def _field(label: str, value: str) -> Iterator[tuple[str, object]]:
    about, low = _LABELS.get(label, ""), value.lower()
    if label.endswith("(gpu?)") and low.endswith(("(true)", "(false)")):
        yield "cuda-available", low.endswith("(true)")
    if about in _VALUES:
        if said := _VALUES[about].match(value):
            yield about, said[1]
    elif about == "cuda-available" and low in _YES:
        yield about, _YES[low]
    elif about == "system":
        if low in _SYSTEMS:
            yield "os-word", _SYSTEMS[low]
        elif platform := _VALUES["platform"].match(value):
            yield "platform", platform[1]
    elif about == "gpu-word" and gpus.by_name(value):
        yield about, Device(0, value)
    elif numbers := _GPUS.fullmatch(label):
        yield from (("gpu", device) for device in _devices(numbers[1], value))


_SYSTEMS = {"win32": "windows", "linux": "linux", "darwin": "macos"}


def _devices(numbers: str, value: str) -> Iterator[Device]:
    """``GPU 0,1: Tesla V100-SXM2-16GB (arch=7.0)``."""
    arch = _ARCH.search(value)
    name = value[: arch.start()].strip() if arch else value
    if arch or gpus.by_name(name):
        for number in numbers.split(","):
            yield Device(int(number), name, int(arch[1] + arch[2]) if arch else None)
