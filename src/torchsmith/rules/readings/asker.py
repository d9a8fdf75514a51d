"""Who asked for a library: what was being imported where the loader failed. Readings of loader errors share it."""

from __future__ import annotations

from torchsmith.model.record import record
from torchsmith.model.versions import key, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.complaint import Complaint, Seen

# The more exact witness first, where one line holds several.
_KINDS = {
    "asks-extension": "extension",
    "asks-companion": "companion",
    "asks-onnxruntime": "onnxruntime",
    "asks-bitsandbytes": "bitsandbytes",
    "asks-torch": "torch",
    "asks-ctranslate2": "ctranslate2",
    "asks-tensorflow": "tensorflow",
    "asks-jax": "jax",
}
_AFTER = 1000
"""What comes after the complaint counts as this much further away."""


@record
class Asker:
    """``kind`` is torch, companion, extension, onnxruntime, ctranslate2, bitsandbytes, tensorflow, jax, or empty."""

    kind: str
    package: str = ""


def asker(complaint: Complaint, seen: Seen) -> Asker:
    """The nearest import at or above the complaint, else the nearest below it, else an installed package that asks."""
    order = list(_KINDS)
    found: list[tuple[int, int, Complaint]] = []
    for other in seen.complaints:
        if other.signature in _KINDS:
            distance = complaint.position.line - other.position.line
            found.append((distance if distance >= 0 else _AFTER - distance, order.index(other.signature), other))
    if found:
        nearest = min(found, key=lambda entry: entry[:2])[2]
        return Asker(_KINDS[nearest.signature], nearest.captured.get("package", ""))
    for package, kind in (("vllm", "extension"), ("flash-attn", "extension"), ("onnxruntime-gpu", "onnxruntime")):
        if seen.package(package):
            return Asker(kind, package)
    for package in ("ctranslate2", "faster-whisper", "whisperx"):
        if seen.package(package):
            return Asker("ctranslate2", package)
    return Asker("")


def torch_cuda(seen: Seen) -> int:
    """The CUDA major that torch was built for; 0 where the text does not tell."""
    torch = seen.value("torch")
    return major(torch.cuda) if torch and torch.cuda else 0


def torch_version(seen: Seen) -> tuple[int, ...]:
    """Torch's release as numbers; empty where the text does not tell."""
    torch = seen.value("torch")
    return key(torch.version) if torch else key(seen.package("torch"))


def wheel_majors(seen: Seen) -> set[str]:
    """The CUDA majors (``cu11``, ``cu12``) of which NVIDIA's wheels are installed."""
    packages = seen.value("packages")
    if not packages:
        return set()
    found = {p.name[-4:] for p in packages.starting("nvidia-") if p.name[-5:-2] == "-cu" and p.name[-2:].isdigit()}
    # From CUDA 13 on the names carry no major.
    runtime = packages.version("nvidia-cuda-runtime") or packages.version("nvidia-cublas")
    return found | {f"cu{major(runtime)}"} if runtime else found


def library_path(seen: Seen) -> bool:
    """Whether the text shows an LD_LIBRARY_PATH that names something."""
    variables = seen.value("variables")
    return seen.has("library-path-set") or bool(variables and variables.get("LD_LIBRARY_PATH"))
