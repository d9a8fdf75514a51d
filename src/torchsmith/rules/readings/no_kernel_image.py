"""No code for this GPU: is it too new for torch, too old, in a gap of torch's list, or does another library lack its code?

torch says it in several ways, some of them warnings; all are read alike: the GPU against what torch says that it serves.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import archs, torch_builds
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import cuda_of_label, minor
from torchsmith.rules.readings import told

NEW, OLD = "gpu-arch-not-in-build-too-new", "gpu-arch-dropped-too-old"
GAP, EXTENSION, BENIGN = "gpu-arch-not-in-build", "extension-arch-not-in-build", "benign-arch-warning"
JETSON = "jetson-needs-vendor-wheel"
TEGRA = (53, 62, 72, 87, 101, 110)
TURING = 75
"""Below it GPUs are leaving torch's builds: a gap there is a drop, whatever still older code is left."""


@reading("invalid-device-function")
def not_in_a_form(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The older words for the same; more often said of an extension than of torch."""
    del complaint
    ages = _ages(seen)
    if ages - {""}:
        yield from _by_age(ages - {""}, 0.85)
    elif ages or told.capabilities(seen):
        yield Pointer(EXTENSION, 0.75 if ages else 0.55)
        yield Pointer(NEW, 0.35)
    else:
        yield Pointer(EXTENSION, 0.5)
        yield Pointer(NEW, 0.35)
        yield Pointer(OLD, 0.15)


@reading("arch-list-shown")
def listed(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A list is no complaint; one that leaves the GPU out is."""
    del complaint
    yield from _by_age(_ages(seen) - {""}, 0.3 if seen.has("two-arch-lists") else 0.85)


@reading("no-kernel-image")
def failed(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A kernel was called and there was none."""
    del complaint
    ages = _ages(seen)
    if not ages:
        yield from _guess(seen)
    elif ages == {""}:
        yield Pointer(EXTENSION, 0.85)
    else:
        yield from _by_age(ages - {""}, 0.95)


@reading("gpu-not-compatible", "gpu-outside-range", "torch-names-other-build")
def warned(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Torch compared the GPU with its own list; its warning is wrong where code of the same major serves the GPU."""
    del complaint
    ages = _ages(seen)
    if not ages:
        yield from _guess(seen)
    elif ages == {""}:
        yield Pointer(BENIGN, 0.35 if seen.has("no-kernel-image", "gpu-not-compatible") else 0.9)
    else:
        # A list that has the GPU, printed elsewhere in the text, is of another environment: that is the cause then.
        yield from _by_age(ages - {""}, 0.5 if seen.has("two-arch-lists") else 0.93)


def _by_age(ages: set[str], sure: float) -> Iterator[Pointer]:
    if not ages:
        return
    sure /= len(ages) ** 0.2  # a host with several GPUs that are not served: each is a cause
    if "newer" in ages:
        yield Pointer(NEW, sure)
    if "older" in ages:
        yield Pointer(OLD, sure)
    if "gap" in ages:
        yield Pointer(GAP, sure * 0.9)
    if "dropped" in ages:
        yield Pointer(OLD, 0.7)
    if "tegra" in ages:
        yield Pointer(GAP, 0.8)
        yield Pointer(JETSON, 0.35)


def _ages(seen: Seen) -> set[str]:
    """How each GPU stands to torch's list; "" where it is served; empty where the text tells too little."""
    coverage = seen.value("gpu_coverage")
    found = {_age(sm, *served) for sm in told.capabilities(seen)} if (served := _served(seen)) else set()
    if found - {""} or not (coverage and coverage.devices):
        return found
    return {_of_coverage(device.sm, device.age) if device.how == "no" else "" for device in coverage.devices}


def _of_coverage(sm: int, age: str) -> str:
    if age != "between":
        return age
    return "tegra" if sm in TEGRA else "gap" if sm >= TURING else "dropped"


def _served(seen: Seen) -> tuple[tuple[int, ...], bool] | None:
    """The capabilities that torch says it serves, and whether they are only the ends of a range."""
    listed = seen.captured("supports", "gpu-not-compatible")
    codes = [
        code.sm
        for part in listed.replace(",", " ").split()
        if part.startswith("sm_") and (code := archs.parse_code(part.strip(".")))
    ]
    if codes:
        return tuple(codes), False
    served = [told.number(c.captured["capability"]) for c in told.of(seen, "torch-serves-capability")]
    if served:
        return tuple(served), False
    least, most = seen.captured("least", "gpu-outside-range"), seen.captured("most", "gpu-outside-range")
    if least and most:
        return (told.number(least), told.number(most)), True
    code = seen.value("torch_gpu_code")
    if code and (sms := [known.sm for arch in code.sass if (known := archs.parse_code(arch))]):
        return tuple(sms), False
    lowest = seen.captured("least", "torch-drops-gpu-words")
    if lowest:
        return (told.number(lowest), 1000), True
    return _table(seen)


def _table(seen: Seen) -> tuple[tuple[int, ...], bool] | None:
    """What the build serves that the text names by version and CUDA, where no arch list is printed."""
    torch, label = seen.captured("torch", "torch-said"), seen.captured("label", "torch-said")
    cuda = cuda_of_label(label) or seen.captured("toolkit", "cuda-said")
    if not torch or not cuda:
        return None
    release = torch if torch.count(".") > 1 else f"{torch}.0"
    row = torch_builds.archs(release, f"cu{minor(cuda).replace('.', '')}", "linux-x86_64")
    return (row.sass, False) if row else None


def _age(sm: int, served: tuple[int, ...], is_range: bool) -> str:
    lowest, highest = min(served), max(served)
    if is_range:
        fits = lowest <= sm <= highest or (sm > highest and sm // 10 == highest // 10)
    else:
        fits = any(archs.sass_runs_on(f"sm_{code}", sm) for code in served)
    if fits:
        return ""
    if sm > highest:
        return "newer"
    if sm < lowest:
        return "older"
    return _of_coverage(sm, "between")


def _guess(seen: Seen) -> Iterator[Pointer]:
    """Only the GPU is told, or not even that."""
    found = told.capabilities(seen)
    extension = 0.3 if seen.has("kernel-of-extension") else 0.0
    if not found:
        yield Pointer(NEW, 0.42 - extension / 2)
        yield Pointer(OLD, 0.3 - extension / 2)
        yield Pointer(EXTENSION, 0.3 + extension)
    elif found[-1] >= 100:
        yield Pointer(NEW, 0.75 - extension)
        yield Pointer(EXTENSION, 0.2 + extension)
    elif found[-1] in TEGRA:
        yield Pointer(GAP, 0.7)
        yield Pointer(JETSON, 0.3)
    elif found[0] < TURING:
        yield Pointer(OLD, 0.8 - extension)
        yield Pointer(EXTENSION, 0.15 + extension)
    else:
        yield Pointer(NEW, 0.45 - extension / 2)
        yield Pointer(EXTENSION, 0.45 + extension)
