"""Libraries of one component that meet in one process and must not: two copies, or parts of different versions.

cuDNN checks it late (``CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH``), cuBLAS and its Lt part not at all; two copies of NCCL, of
the CUDA runtime or of an OpenMP runtime each keep a state of their own.
"""

from __future__ import annotations

from torchsmith.model.library_needs import Mixed, Together
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COMPONENTS = {
    "libnccl": "nccl",
    "libcublas": "cublas",
    "libcublasLt": "cublas",
    "libcudart": "cudart",
    "libgomp": "openmp",
    "libiomp5": "openmp",
    "libomp": "openmp",
}
_STEM = pattern(r"(lib[A-Za-z]\w*?)(?:[-.][0-9a-f]{8,64})?\.so(?:\.[\d.]+)?")
"""A library's name without its version, and without the mark that a repaired wheel gives it (``libgomp-a34b3233.so.1``)."""


def component_of(name: str) -> str:
    """The component that a library belongs to; empty for one that can be loaded beside any other."""
    stem = stem_of(name)
    return "cudnn" if stem == "libcudnn" or stem.startswith("libcudnn_") else COMPONENTS.get(stem, "")


def stem_of(name: str) -> str:
    """``libgomp`` of ``libgomp-a34b3233.so.1``."""
    matched = _STEM.fullmatch(name)
    return matched[1] if matched else ""


def mixed(together: Iterable[Together], versions: Mapping[str, str]) -> Iterator[Mixed]:
    """Those that must not meet, by the ``versions`` of the files as far as they are known."""
    for group in together:
        files = tuple((path, versions.get(path, "")) for path in group.files)
        stems = [stem_of(path.rpartition("/")[2]) for path in group.files]
        said = {version for _, version in files if version}
        doubled = len(set(stems)) < len(stems)
        known = all(version for _, version in files)
        if group.component == "openmp":
            yield Mixed(group.component, files, group.objects, f"{len(files)} OpenMP runtimes, each with threads of its own")
        elif len(said) > 1:
            yield Mixed(group.component, files, group.objects, f"parts of the versions {', '.join(sorted(said))}")
        elif doubled and not (known and len(said) == 1):
            yield Mixed(group.component, files, group.objects, f"{len(files)} files of which one process should have one")


def contested(together: Iterable[Together]) -> tuple[str, ...]:
    """The files whose versions decide, each once."""
    return tuple(dict.fromkeys(path for group in together if group.component != "openmp" for path in group.files))
