"""``python -m torch.utils.collect_env`` of every torch version, and vLLM's longer one (``PyTorch version   : 2.8.0``).

GPUs stand in it as ``nvidia-smi -L`` prints them, packages as ``pip list`` and ``conda list`` do: those formats read them.
"""

from __future__ import annotations

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "collect_env"
# "PyTorch version 1.5.0": the colon is lost in some pastes.
_FIELD = pattern(
    r"\s{0,4}(?:[-*+] {1,3})?(?P<label>[A-Z][A-Za-z /]{1,40}?)\s{0,40}:(?: (?P<value>.*))?$|PyTorch version (?P<version>\d\S*)$"
)
_NOTHING = {"could not collect", "n/a", "no cuda", ""}
_LABELS = {
    "OS": "os",
    "Libc version": "libc",
    "Python version": "python",
    "Python platform": "platform",
    "CUDA runtime version": "toolkit",
    "Nvidia driver version": "driver",
    "cuDNN version": "cudnn",
    "GCC version": "gcc",
    "CMake version": "cmake",
    "vLLM Version": "vllm",
}


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per field that says something; an absent torch and an absent driver are clues too."""
    for line in lines:
        matched = _FIELD.match(line.text)
        if not matched:
            continue
        label, value = (matched["label"] or "PyTorch version").strip(), (matched["value"] or matched["version"] or "").strip()
        for about, said in _field(label, value):
            yield Clue(about, said, FORM, line.number)


def _field(label: str, value: str) -> Iterator[tuple[str, object]]:
    empty = value.lower() in _NOTHING
    if label == "PyTorch version":
        yield ("torch-absent", True) if value == "N/A" else ("torch-version", value)
    elif label == "CUDA used to build PyTorch" and value != "N/A":
        yield "torch-cuda", None if empty or value == "None" else value
    elif label == "ROCM used to build PyTorch" and not empty:
        yield "torch-hip", value
    elif label == "XPU used to build PyTorch" and not empty:
        yield "torch-xpu", value
    elif label == "Is debug build" and value in {"True", "Yes"}:
        yield "torch-debug", True
    elif label in {"Is CUDA available", "CUDA available"} and value in {"True", "Yes", "False", "No"}:
        yield "cuda-available", value in {"True", "Yes"}
    elif label == "GPU models and configuration" and value.lower() in _NOTHING - {""}:
        yield "gpu-absent", value
    elif label == "Nvidia driver version" and empty:
        yield "driver-absent", value
    elif label in _LABELS and not empty:
        yield _LABELS[label], value
