"""Which builds have code for a set of GPUs, by the tables alone, and that in words: what another build would give.

A build serves a GPU by machine code, or by PTX where its CUDA knows the GPU; and its cuDNN must not have dropped the GPU.
"""

from __future__ import annotations

from torchsmith.knowledge import torch_builds
from torchsmith.knowledge.compiled.compat_rules import CUDNN_DROPS_BELOW
from torchsmith.knowledge.compiled.conda_builds import ROWS as CONDA
from torchsmith.knowledge.compiled.gpu_archs_in_builds import ROWS as CODE
from torchsmith.knowledge.compiled.torch_builds import ROWS as BUILDS
from torchsmith.knowledge.torch_builds import Archs
from torchsmith.model.record import packed
from torchsmith.model.versions import at_least, cuda_of_label, key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Codes = tuple[int, ...]

_SERVED: dict[tuple[str, Codes, Codes, int], str] = {}
_BUILDS: dict[tuple[str, str], tuple[Carried, ...]] = {}
_WORDS: dict[tuple[Codes, str, str], str] = {}


@packed
class Carried:
    """The GPU code and the cuDNN of one build."""

    torch: str
    build: str
    sass: tuple[int, ...]
    ptx: tuple[int, ...]
    cudnn: str | None


def how(build: str, sass: Codes, ptx: Codes, sm: int) -> str:
    """How code of a build runs on a GPU: ``native``, ``jit``, ``no``, or ``new``: it has PTX, of a CUDA before the GPU."""
    place = build, sass, ptx, sm
    if place not in _SERVED:
        carried = Archs("", build, "", sass, ptx, "", "")
        if carried.sass_serves(sm):
            _SERVED[place] = "native"
        elif carried.ptx_serves(sm):
            _SERVED[place] = "jit"
        else:
            _SERVED[place] = "new" if ptx and ptx[-1] <= sm else "no"
    return _SERVED[place]


def dropped(cudnn: str | None, sm: int) -> bool:
    """Whether this cuDNN no longer serves the GPU: torch starts, and every convolution fails."""
    return cudnn is not None and any(sm < lowest and at_least(cudnn, since) for lowest, since in CUDNN_DROPS_BELOW)


def last_cudnn(sm: int) -> str | None:
    """The cuDNN from which on the GPU is no longer served; None while all do."""
    return min((since for lowest, since in CUDNN_DROPS_BELOW if sm < lowest), key=key, default=None)


def serves(carried: Carried, sms: Iterable[int]) -> bool:
    """Whether the build has code for every one of the GPUs, and its cuDNN too."""
    return all(
        how(carried.build, carried.sass, carried.ptx, sm) in {"native", "jit"} and not dropped(carried.cudnn, sm) for sm in sms
    )


def builds(platform: str, channel: str) -> tuple[Carried, ...]:
    """The CUDA builds of a channel for a platform, oldest release first."""
    if (platform, channel) not in _BUILDS:
        if channel == "wheel":
            cudnn = {(row[0], row[1]): row[6] for row in BUILDS if row[3] == platform}
            found = [Carried(row[0], row[1], row[3], row[4], cudnn.get((row[0], row[1]))) for row in CODE if row[2] == platform]
        else:
            found = [
                Carried(row[1], f"cu{row[2].replace('=', ' ').split()[-1].replace('.', '')}", row[4], row[5], None)
                for row in CONDA
                if row[0] == channel and row[3] == platform and row[2] != "cpu"
            ]
        _BUILDS[platform, channel] = tuple(sorted(found, key=lambda carried: key(carried.torch)))
    return _BUILDS[platform, channel]


def platforms_of(kind: str) -> tuple[str, ...]:
    """The platforms that wheels of a kind (rocm, xpu) were ever published for."""
    return tuple(dict.fromkeys(row[3] for row in BUILDS if row[2] == kind))


def ever(sm: int, platform: str) -> bool:
    """Whether some build for the platform ever served the GPU."""
    return any(serves(carried, (sm,)) for channel in ("wheel", "conda-forge") for carried in reversed(builds(platform, channel)))


def elsewhere(sms: Codes, platform: str, channel: str) -> str:
    """Which builds serve all of the GPUs, as a condition: ``torch <= 2.14.1 with cu126``; empty where none does."""
    place = sms, platform, channel
    if place not in _WORDS:
        words = _condition(sms, platform, channel)
        other = "conda-forge" if channel == "wheel" else "wheel"
        if not words and (more := _condition(sms, platform, other)):
            words = f"{more} from conda-forge" if other == "conda-forge" else f"{more} as a wheel"
        _WORDS[place] = words
    return _WORDS[place]


def last_release(sms: Codes, platform: str, channel: str = "wheel") -> Carried | None:
    """The newest release whose code serves all of the GPUs, with the newest CUDA of those."""
    fitting = [carried for carried in builds(platform, channel) if serves(carried, sms)]
    return max(fitting, key=lambda carried: (key(carried.torch), _cuda(carried)), default=None)


def _condition(sms: Codes, platform: str, channel: str) -> str:
    every = builds(platform, channel)
    fitting = [carried for carried in every if serves(carried, sms)]
    if not fitting:
        return ""
    fits = {(carried.torch, carried.build) for carried in fitting}
    best = max(fitting, key=lambda carried: (key(carried.torch), _cuda(carried)))
    if best.torch == every[-1].torch:
        for label in sorted({carried.build for carried in fitting}, key=lambda label: key(cuda_of_label(label) or "")):
            first = next(carried for carried in fitting if carried.build == label)
            later = [c for c in every if _cuda(c) >= _cuda(first) and key(c.torch) >= key(first.torch)]
            if all((carried.torch, carried.build) in fits for carried in later):
                more = " or later" if any(_cuda(carried) > _cuda(first) for carried in later) else ""
                return f"torch >= {first.torch} with {label}{more}"
    own = [carried for carried in every if carried.build == best.build]
    first = best
    for carried in reversed([carried for carried in own if key(carried.torch) <= key(best.torch)]):
        if (carried.torch, carried.build) not in fits:
            break
        first = carried
    if first is own[0]:
        return f"torch <= {best.torch} with {best.build}"
    span = best.torch if first is best else f"{first.torch} - {best.torch}"
    return f"torch {span} with {best.build}"


def _cuda(carried: Carried) -> tuple[int, ...]:
    return key(cuda_of_label(carried.build) or "")


def newest_label(driver: str, *, windows: bool) -> str | None:
    """The newest CUDA build that the driver runs, whatever the GPU: what uv's ``--torch-backend auto`` takes."""
    from torchsmith.knowledge import drivers

    known = [label for label in torch_builds.labels() if cuda_of_label(label)]
    running = [label for label in known if drivers.runs(driver, cuda_of_label(label) or "", windows=windows)]
    return max(running, key=lambda label: key(cuda_of_label(label) or ""), default=None)
