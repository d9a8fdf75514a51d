"""What is said where packages and a build do not fit, and what is told of those that fit with a risk."""

from __future__ import annotations

from torchsmith.choose.published import NAMES
from torchsmith.knowledge import third_party
from torchsmith.model.record import record
from torchsmith.model.versions import compute_capability, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.fit import Around, Fit
    from torchsmith.knowledge.third_party import Requirement

FACTS = "torchsmith facts third_party"
_WITNESS = {"requires": "Requires-Dist", "runtime": "the libraries", "build": "the build scripts"}


@record
class Clash:
    """One sentence on what does not fit: ``aspect`` is the constraint that it belongs to."""

    aspect: str
    because: str
    source: str = FACTS


def clashes(fit: Fit, around: Around, gpu: str, wished: dict[str, str], subject: str = "") -> Iterator[Clash]:
    """Everything that clashes, the package's own first; ``gpu`` is the weakest one, ``wished`` who wishes for what."""
    name = subject or f"{fit.row.package} {fit.version}"
    known = _known(fit)
    source = f"{_WITNESS[fit.row.kind]} of {fit.row.package} {known}; {FACTS}"
    if known != fit.version:
        name += f" is not in the tables; taken for {known}, it"
    # What does not exist for a platform at all need not be measured further.
    for trouble in ("platform",) if "platform" in fit.troubles else fit.troubles:
        yield Clash("cudnn" if trouble == "cudnn" else "packages", f"{name} {own(trouble, fit.row, around, gpu)}", source)
    for need, sub in fit.subs if "platform" not in fit.troubles else ():
        if not isinstance(sub, str):
            yield from clashes(sub, around, gpu, wished, f"{name} needs {need}; {sub.row.package} {sub.version}")
        elif sub == "numpy-abi":
            yield Clash("numpy", f"{name} needs {need}, and torch {around.torch} was built against NumPy 1", source)
        elif sub == "numpy-python":
            yield Clash("numpy", f"{name} needs {need}, which has no wheels for Python {around.python}", source)
        else:
            other = sub.partition(":")[2]
            aspect = "numpy" if other == "numpy" else "packages"
            yield Clash(aspect, f"{name} needs {need}, and {wished.get(other, other)} was asked for", source)


def _known(fit: Fit) -> str:
    """The release whose row is read for it: its own, or where that is not listed the next of the row."""
    listed = (*fit.row.versions, *fit.row.yanked)
    if fit.version in listed or not listed:
        return fit.version
    near = [each for each in third_party.around(fit.row.package, fit.version) if each in listed]
    return near[0] if near else listed[-1]


def own(trouble: str, row: Requirement, around: Around, gpu: str) -> str:
    """What a release asks for and the build does not have."""
    made = f"while this build is made with CUDA {around.cuda_major}"
    match trouble:
        case "torch":
            return f"needs torch{row.torch_spec}"
        case "python":
            return f"has no wheels for Python {around.python} (it takes {row.python_spec})"
        case "platform":
            return f"exists only for {' and '.join(NAMES.get(place, place) for place in row.platforms)}"
        case "cuda":
            return f"needs CUDA {row.cuda_major}, {made}"
        case "cuda-least":
            return f"needs CUDA {row.cuda_least} or newer, {made}"
        case "cuda-builds":
            return f"has libraries for CUDA {row.cuda_builds[0]} to {row.cuda_builds[-1]}, {made}"
        case "cudnn":
            return f"needs cuDNN {row.cudnn_major}, while torch {around.torch} brings cuDNN {around.cudnn_major}"
        case "gpu":
            return f"needs a GPU of compute capability {compute_capability(row.min_sm or 0)} or higher, and here is {gpu}"
        case _:
            return "works with CUDA builds only"


def risks(fit: Fit, around: Around) -> Iterator[tuple[str, float]]:
    """What goes less well though it fits, with its weight: of the package and of those that it needs."""
    row = fit.row
    name = f"{row.package} {fit.version}"
    if fit.version not in row.versions and fit.version not in row.yanked:
        there = " and ".join(third_party.around(row.package, fit.version))
        what = f"{name} is not in the tables, which have {there} around it"
        yield f"{what}: it is taken for {_known(fit)}, and may not exist", 0.3
    if fit.version in row.yanked:
        yield f"{name} was withdrawn from the package index", 0.1
    if row.wheels and around.kind == "cuda" and not built_beforehand(row, around):
        known = "" if "?" in row.wheels else " has no wheel for this build:"
        yield f"{name}{known or ':'} {row.effect} (CUDA {around.cuda_minor})", 0.9 if known else 0.5
    if around.kind in {"rocm", "xpu"} and (row.cuda_major or row.cuda_builds):
        yield f"{name} is made for CUDA: beside a build for {around.kind} it runs on the CPU", 0.2
    if around.kind == "cuda":
        yield from _cuda_risks(row, name, around)
    for _, sub in fit.subs:
        if not isinstance(sub, str):
            yield from risks(sub, around)


def _cuda_risks(row: Requirement, name: str, around: Around) -> Iterator[tuple[str, float]]:
    if not around.uses_gpu(row):
        yield f"the wheels of {name} for {NAMES.get(around.platform, around.platform)} have no CUDA: it runs on the CPU", 0.3
        return
    if row.elsewhere and row.cuda_major and row.cuda_major != around.cuda_major:
        yield f"{name} is made with CUDA {row.cuda_major}, this build with CUDA {around.cuda_minor}: {row.elsewhere}", 0.3
    elif row.cuda_builds and around.cuda_minor not in row.cuda_builds:
        same = [build for build in row.cuda_builds if major(build) == around.cuda_major]
        yield f"{name} has no library for CUDA {around.cuda_minor}, only for {', '.join(same)} of that major: {row.effect}", 0.2


def built_beforehand(row: Requirement, around: Around) -> bool:
    """Whether one of the package's own wheels is for this torch, CUDA and Python; they are all for Linux on x86-64."""
    for wheel in row.wheels if around.platform == "linux-x86_64" else ():
        torch, _, rest = wheel.partition(":")
        cuda, _, python = rest.partition(":")
        short = ".".join(around.torch.split(".")[:2])
        if (
            rest
            and _within(torch, short)
            and (not cuda or str(around.cuda_major) in cuda.split(","))
            and _within(python, around.python)
        ):
            return True
    return False


def _within(span: str, version: str) -> bool:
    """Whether a version is one of ``2.4`` or ``2.4-2.8``; every one is in none."""
    first, _, last = span.partition("-")
    return not span or third_party.fits(f">={first},<={last or first}", version)
