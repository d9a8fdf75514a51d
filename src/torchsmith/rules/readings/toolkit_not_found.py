"""A build that finds no CUDA: is there no toolkit, half of one, a variable that leads nowhere, or a torch without CUDA?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings import told

NONE, INCOMPLETE, MALFORMED = "cuda-toolkit-not-found", "cuda-toolkit-incomplete", "cuda-home-malformed"
CPU_TORCH, TWO, NIX = "cpu-torch-for-cuda-ext", "cuda-two-toolkits", "nix-cuda-support-off"
VARIABLES = ("CUDA_HOME", "CUDA_PATH")


@reading("cuda-home-not-set")
def cuda_home_not_set(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Torch says so of a CPU build as well, whatever is set: it does not even look for a toolkit then."""
    del complaint
    torch = seen.value("torch")
    variables = seen.value("variables")
    is_set = seen.has("cuda-home-set", "nvcc-version-shown") or any(variables and variables.get(name) for name in VARIABLES)
    if (torch and torch.kind == "cpu") or seen.captured("label", "torch-said") == "cpu":
        yield Pointer(CPU_TORCH, 0.93)
        yield Pointer(NONE, 0.2)
    elif seen.has("nvcc-not-found") or (torch and torch.kind == "cuda" and not is_set):
        yield Pointer(NONE, 0.93)
    elif is_set:
        yield Pointer(CPU_TORCH, 0.7 if not torch else 0.3)
        yield Pointer(NONE, 0.3)
        yield Pointer(MALFORMED, 0.25)
    else:
        yield Pointer(NONE, 0.82)
        yield Pointer(CPU_TORCH, 0.2)


@reading("nvcc-path-not-found")
def path_without_nvcc(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The path itself tells of a list or of a folder too deep; a plain one may be a toolkit that was never there."""
    path = complaint.captured.get("path") or complaint.captured.get("before") or ""
    inner = path[2:] if path[1:2] == ":" and path[:1].isalpha() else path
    if path[:1] in ":;" or ":/" in inner or ";" in inner or "/bin/bin/" in path or "/nvcc/" in path or "$" in path:
        yield Pointer(MALFORMED, 0.93)
    elif seen.has("nvcc-version-shown") or seen.has("cuda-home-set"):
        yield Pointer(MALFORMED, 0.7)
        yield Pointer(NONE, 0.3)
    elif "site-packages" in path or "conda" in path or "/envs/" in path:
        yield Pointer(NONE, 0.7)
        yield Pointer(INCOMPLETE, 0.3)
    else:
        yield Pointer(NONE, 0.55)
        yield Pointer(MALFORMED, 0.4)


@reading("find-cuda-missing")
def cmake(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """CMake lists what is missing: all four is no toolkit; root and nvcc alone is how Nix looks without cudaSupport."""
    missing = complaint.captured.get("missing", "").split()
    if "CUDA_NVCC_EXECUTABLE" in missing and not any(name.startswith(("CUDA_INCLUDE", "CUDA_CUDART")) for name in missing):
        nix = seen.has("nix-builds")
        yield Pointer(NIX, 0.85 if nix else 0.6)
        yield Pointer(NONE, 0.35)
    elif "CUDA_TOOLKIT_ROOT_DIR" in missing or any("NVCC_EXECUTABLE" in name or "BIN_DIR" in name for name in missing):
        # With two dashes before it CMake only notes it; a project that cannot go on without says so as well.
        noted = complaint.text.startswith("--") and not seen.has("caffe2-finds-no-cuda")
        yield Pointer(NONE, 0.85 if noted else 0.93)
    elif len(told.versions(seen)) > 1:
        yield Pointer(TWO, 0.75)
        yield Pointer(INCOMPLETE, 0.6)
    elif complaint.captured.get("version") or any("CUDART" in name or "INCLUDE" in name for name in missing):
        yield Pointer(INCOMPLETE, 0.8)
        yield Pointer(TWO, 0.35)
    else:
        yield Pointer(NONE, 0.7)
        yield Pointer(INCOMPLETE, 0.3)


@reading("nvcc-not-found")
def no_nvcc(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """An nvcc that answered elsewhere in the text is only not where the build looks."""
    if "/nix/store/" in complaint.text:
        yield Pointer(NIX, 0.8)
        yield Pointer(NONE, 0.4)
    elif seen.has("nvcc-path-not-found", "cuda-home-is-list"):
        yield Pointer(MALFORMED, 0.6)
        yield Pointer(NONE, 0.4)
    elif seen.has("nvcc-version-shown"):
        yield Pointer(NONE, 0.6)
        yield Pointer(MALFORMED, 0.4)
    else:
        yield Pointer(NONE, 0.9)


@reading("header-of-toolkit-missing")
def header(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Headers of one library are a package that is missing; the runtime's own are missing where there is no toolkit at all."""
    name = complaint.captured.get("header", "")
    if name == "cudnn.h":
        yield Pointer("missing-cudnn", 0.55)
        yield Pointer(INCOMPLETE, 0.5)
    elif name in {"cuda.h", "cuda_runtime.h", "cuda_runtime_api.h", "cuda_runtime"} and not seen.has("nvcc-ran"):
        yield Pointer(NONE, 0.65)
        yield Pointer(INCOMPLETE, 0.4)
    else:
        yield Pointer(INCOMPLETE, 0.9)
