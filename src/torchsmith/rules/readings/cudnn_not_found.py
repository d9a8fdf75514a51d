"""cuDNN, or one of its parts, is found nowhere: is it missing, of another major, or only not where the loader looks?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import major
from torchsmith.rules.readings.asker import Asker, asker, library_path, torch_cuda, torch_version, wheel_majors


@reading("cudnn-part-not-found")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A message of cuDNN's own loader, or of CTranslate2's."""
    captured = complaint.captured
    library = next((captured[name] for name in ("library", "tried", "asked", "alone", "plain") if captured.get(name)), "")
    if (other := re.search(r"Error: (lib(?:cuda|nvrtc|cublas\w*|nvToolsExt)\.so[\d.]*)", complaint.text)) is not None:
        driver = other[1].startswith("libcuda.")
        yield Pointer("wsl-driver-not-visible" if driver else "missing-cuda-runtime-lib", 0.5 if driver else 0.65)
        yield Pointer("cudnn-not-on-loader-path", 0.25)
        return
    if "undefined symbol" in complaint.text or "not defined in file" in complaint.text:
        yield Pointer("ld-library-path-shadowing", 0.7)
        yield Pointer("mixed-nvidia-wheels", 0.25)
        return
    yield from of_cudnn(library, asker(complaint, seen), seen, parts=True)


def of_cudnn(library: str, who: Asker, seen: Seen, *, parts: bool = False) -> Iterator[Pointer]:
    """The causes for a cuDNN library; ``parts``: asked for by name while the program ran, not when it was imported."""
    if split(who, seen):
        yield Pointer("split-lib-lib64-venv", 0.75 if seen.has("nvidia-under-lib") else 0.6)
        yield Pointer("missing-cudnn", 0.45)
        return
    yield from (Pointer(cause, sure) for cause, sure in _likely(library, who, seen, parts))
    mixed = len(wheel_majors(seen)) > 1
    yield Pointer(
        "mixed-nvidia-wheels",
        0.8 if mixed and who.kind in {"torch", ""} else 0.5 if mixed else 0.2 if who.kind == "torch" else 0.12,
    )
    if library_path(seen) and parts:
        yield Pointer("ld-library-path-shadowing", 0.15)


def _likely(library: str, who: Asker, seen: Seen, parts: bool) -> tuple[tuple[str, float], ...]:
    """Missing, of another major, or not where the loader looks: by who asks, and by the cuDNN that is here."""
    missing, other, lost = "missing-cudnn", "cudnn-major-mismatch", "cudnn-not-on-loader-path"
    wanted, here = major_of(library), 0 if len(wheel_majors(seen)) > 1 else ours(seen)
    windows = library.endswith(".dll") or seen.os == "windows"
    if who.kind == "torch":
        return (missing, 0.7), ("split-lib-lib64-venv", 0.1)
    if wanted and here and wanted != here:
        return (other, 0.88), (missing, 0.25)
    if windows:
        return _on_windows(seen, same=bool(wanted) and wanted == here)
    if seen.has("cudnn-wheel-there"):
        return (lost, 0.85), (missing, 0.2)
    if who.kind == "onnxruntime":
        return (missing, 0.45), (other, 0.4), ("extension-cuda-major-mismatch", 0.35)
    if wanted == 8 == here:
        return (missing, 0.5), (lost, 0.45)
    if parts and wanted == 9:
        return (lost, 0.55), (missing, 0.4), (other, 0.3)
    if parts and wanted == 8:
        return (other, 0.55), (missing, 0.4), (lost, 0.35)
    return (missing, 0.65), (lost, 0.25), (other, 0.2)


def _on_windows(seen: Seen, *, same: bool) -> tuple[tuple[str, float], ...]:
    """By the folder where the text shows a cuDNN; ``same``: it is of the major that is asked for."""
    missing, other, lost = "missing-cudnn", "cudnn-major-mismatch", "cudnn-not-on-loader-path"
    if seen.has("cudnn-of-installer"):  # in folders by version, which nothing puts on PATH
        return (lost, 0.7), (missing, 0.3)
    if seen.has("cudnn-in-toolkit"):  # found, and refused: of another release than the program's, or in parts
        return (other, 0.6), (missing, 0.4), (lost, 0.2)
    return (missing, 0.6), (lost, 0.45 if same else 0.3), *(() if same else ((other, 0.35),))


def split(who: Asker, seen: Seen) -> bool:
    """Whether torch lies in lib64 and asks for what may lie in lib."""
    return who.kind in {"torch", ""} and seen.has("torch-under-lib64")


def major_of(library: str) -> int:
    """The major in a name of cuDNN; 0 where it has none."""
    matched = re.search(r"\.so\.(\d{1,2})|64_(\d{1,2})\.", library)
    return int(matched[1] or matched[2]) if matched else 0


def ours(seen: Seen) -> int:
    """The major of the cuDNN that is here: of its wheel, else what this torch uses; 0 where neither is told."""
    for name in ("nvidia-cudnn-cu12", "nvidia-cudnn-cu11", "nvidia-cudnn-cu13"):
        if wheel := seen.package(name):
            return major(wheel)
    version = torch_version(seen)
    if len(version) < 2 or (seen.value("torch") and not torch_cuda(seen)):
        return 0
    return 9 if version[:2] >= (2, 4) else 8
