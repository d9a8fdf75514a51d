"""What a build was told and what it made of it: CUDA left out, toolkits of another version, headers that moved."""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import toolkits
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import major
from torchsmith.rules.readings import told

SILENT, STALE, LOST = "ext-silent-cpu-no-gpu", "stale-build-dir", "build-env-var-not-exported"


@reading("extension-without-cuda")
def without_cuda(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The extension has no CUDA in it. Why: its setting did not arrive, an old build was taken, or no GPU was there to see."""
    del complaint
    torch = seen.value("torch")
    if torch and torch.kind == "cpu":
        yield Pointer("cpu-only-build", 0.7)
        yield Pointer("cpu-torch-for-cuda-ext", 0.5)
    if seen.has("force-cuda-lost"):
        yield Pointer(LOST, 0.8)
        yield Pointer(SILENT, 0.3)
    elif seen.has("stale-build-words"):
        yield Pointer(STALE, 0.75)
        yield Pointer(SILENT, 0.35)
    elif seen.has("force-cuda-named"):
        yield Pointer(STALE, 0.5)
        yield Pointer(LOST, 0.4)
        yield Pointer(SILENT, 0.25)
    else:
        yield Pointer(SILENT, 0.6)
        yield Pointer(STALE, 0.25)
        yield Pointer(LOST, 0.15)


@reading("deepspeed-cuda-mismatch")
def deepspeed(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """DeepSpeed says so of minor versions too, and goes on."""
    del seen
    if complaint.captured.get("accepted"):
        return
    differ = major(complaint.captured["toolkit"]) != major(complaint.captured["torch"])
    yield Pointer("nvcc-vs-torch-cuda-mismatch", 0.9 if differ else 0.35)


@reading("nvcc-torch-mismatch")
def mismatch(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A minor mismatch is only a warning of torch's; nothing follows from it."""
    del seen
    if not complaint.captured.get("minor"):
        yield Pointer("nvcc-vs-torch-cuda-mismatch", 0.94)


@reading("cccl-header-missing")
def moved_headers(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """CUDA 13 moved CUB, Thrust and libcu++ into a folder of their own; before, they are missing with their package."""
    version = told.toolkit(seen)
    if seen.has("cuda13-removed-names"):
        yield Pointer("cuda13-api-removed", 0.5)
        yield Pointer("cccl-layout", 0.4)
    elif told.is_at_least(version, "13.0") or not version or "cccl/" in complaint.captured.get("header", ""):
        yield Pointer("cccl-layout", 0.85)
        yield Pointer("cuda-toolkit-incomplete", 0.2)
    else:
        yield Pointer("cuda-toolkit-incomplete", 0.6)
        yield Pointer("cccl-layout", 0.4)


@reading("build-memory-words")
def memory_words(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The GPU's memory is another matter than that of the compilers."""
    del seen
    if "CUDA out of memory" not in complaint.text and "OutOfMemoryError" not in complaint.text:
        yield Pointer("build-out-of-memory", 0.8)


@reading("undeclared-cuda-name")
def undeclared(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A toolkit lacks what it does not have yet, or what it has no longer."""
    del complaint
    if told.is_at_least(told.toolkit(seen), "13.0"):
        yield Pointer("cuda13-api-removed", 0.7)
        yield Pointer("cuda-two-toolkits", 0.2)
    else:
        yield Pointer("cuda-too-old-for-torch", 0.55)
        yield Pointer("cuda13-api-removed", 0.3)


@reading("module-missing-in-build")
def module(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Without isolation a build sees what is installed, and nothing else: torch too must be there."""
    if seen.has("isolation-off"):
        yield Pointer("noisolation-missing-build-dep", 0.5 if complaint.captured["module"] == "torch" else 0.65)


TOOLS = frozenset(
    ("ninja", "wheel", "pybind11", "scikit_build_core", "skbuild", "cmake", "Cython", "cython", "hatchling", "flit_core")
)
"""Modules that only builds need; others may as well be missing in a program that runs."""


@reading("build-dependency-missing")
def build_tool(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By what surrounds it: a build without isolation, a build at all, or a program."""
    module = complaint.captured.get("module", "")
    if seen.has("isolation-off"):
        yield Pointer("noisolation-missing-build-dep", 0.92)
    elif seen.has("isolated-build", "build-runs", "setup-py-run"):
        yield Pointer("noisolation-missing-build-dep", 0.85)
    elif module in TOOLS or not module:
        yield Pointer("noisolation-missing-build-dep", 0.6)
    else:
        yield Pointer("noisolation-missing-build-dep", 0.2)


@reading("host-compiler-named")
def newer_than_known(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Nothing refuses the compiler here, but the toolkit's limit is known; that it went on to compile is not."""
    row = toolkits.get(told.toolkit(seen)) if seen.has("nvcc-ran", "toolkit-named") else None
    found = complaint.captured
    if row is None or seen.has("host-compiler-refused"):
        return
    gnu, microsoft = found.get("gnu") or found.get("ccbin"), found.get("msvc") or found.get("cl")
    most = major(row.gcc_max) if gnu and row.gcc_max else (row.msc_ver_max or 0) - 1900
    if most > 0 and int(gnu or microsoft or 0) > most:
        yield Pointer("host-compiler-too-new", 0.75)
