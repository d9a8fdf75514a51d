"""What a build of torch leaves behind when one of another CUDA takes its place: the CUDA wheels that it alone needed.

No installer removes them: 4 GB that nothing loads, and two majors of cuDNN or NCCL have files of the same names. Removed is only
what torch itself required, of its CUDA, that no other package requires and none is known to load by itself.
"""

from __future__ import annotations

from torchsmith.knowledge import third_party
from torchsmith.managers import metadata
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import cuda_of_label, local_label, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torchsmith.model.choice import Option, Place
    from torchsmith.model.facts.python import Package

    Files = Mapping[str, str]

_BESIDE = frozenset({"triton", "pytorch-triton"})
_SUFFIX = pattern(r"-cu\d\d$")
_UNNAMED = 13
"""The CUDA major since which most of the wheels bear no suffix."""


def wanted(option: Option, place: Place) -> tuple[str, ...]:
    """The METADATA of every package, where the CUDA changes."""
    return metadata.paths(place, "METADATA") if _change(option, place) is not None else ()


def of(option: Option, place: Place, files: Files) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that go, and what is said of those that stay."""
    change = _change(option, place)
    if change is None:
        return (), ()
    old, new = change
    here = {package.name: package for package in metadata.here(place)}
    asked = {name: metadata.needs(package, files) for name, package in here.items()}
    brought = _closure("torch", asked)
    gone = {name for name in brought if name in here and _goes(name, old, new)}
    loading = _loading(here.values(), old) if gone else ()
    if loading:
        return (), (f"the CUDA {old} wheels stay: {', '.join(loading)} may load them",)
    kept: dict[str, str] = {}
    while held := {name: by for by, names in asked.items() if by != "torch" and by not in gone for name in names if name in gone}:
        kept |= held
        gone -= held.keys()
    told = tuple(f"{name} stays: {by} requires it" for name, by in sorted(kept.items()) if by not in kept)
    return tuple(sorted(gone)), told


def certain(gone: tuple[str, ...], option: Option) -> tuple[str, ...]:
    """Those that the new build cannot bring back, by their names alone."""
    cuda = option.candidate.cuda
    if cuda is None:
        return tuple(name for name in gone if name.startswith("nvidia-"))
    return tuple(name for name in gone if _SUFFIX.search(name) and not name.endswith(f"-cu{major(cuda)}"))


def _change(option: Option, place: Place) -> tuple[int, int | None] | None:
    """The CUDA majors before and after; None where they are the same, or where wheels bring no CUDA of their own."""
    have = cuda_of_label(local_label(place.torch or ""))
    if place.fresh or place.os != "linux" or have is None or place.packages is None:
        return None
    new = major(option.candidate.cuda) if option.candidate.cuda else None
    return None if new == major(have) else (int(major(have)), None if new is None else int(new))


def _goes(name: str, old: int, new: int | None) -> bool:
    """Whether a package that torch brought belongs to the old CUDA alone."""
    if name in _BESIDE:
        return new is None
    if not name.startswith(("nvidia-", "cuda-")):
        return False
    if new is None or name.endswith(f"-cu{old}"):
        return True
    return old >= _UNNAMED and not name.endswith(f"-cu{new}")


def _closure(name: str, asked: Mapping[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    left = [name]
    while left:
        for each in asked.get(left.pop(), ()):
            if each not in found:
                found.add(each)
                left.append(each)
    return found


def _loading(packages: Iterable[Package], cuda: int) -> tuple[str, ...]:
    """Packages that open these libraries without requiring them (ctranslate2, ONNX Runtime), by the tables or by their name."""
    found = []
    for package in packages:
        row = third_party.requirement(package.name, package.version)
        suffix = package.name.endswith((f"-cu{cuda}", f"-cuda{cuda}", f"-cuda{cuda}x", f"-cuda{cuda}0"))
        if (row is not None and row.cuda_major == cuda) or (suffix and not package.name.startswith("nvidia-")):
            found.append(package.name)
    return tuple(sorted(found))
