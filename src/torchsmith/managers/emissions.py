"""What other tools take for the same decision: uv's backend, overrides of what a driver would tell, wheel variants."""

from __future__ import annotations

from torchsmith.knowledge import archs, drivers
from torchsmith.knowledge.compiled.indexes import ROWS
from torchsmith.managers.base import name_of
from torchsmith.managers.places import wanted
from torchsmith.model.versions import cuda_of_label, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place


def torch_backend(option: Option, place: Place) -> tuple[str, ...]:
    """``--torch-backend``, where uv knows the build; for another machine the variable by which uv takes its driver as given."""
    build = option.candidate.build
    known = next(labels for name, _pattern, labels in ROWS if name == "uv_torch_backend")
    if build not in known or place.os == "macos" or place.offline:
        return ()
    words = " ".join(f"{name_of(word)}=={word.partition('==')[2].partition('+')[0]}" for word in wanted(option, place))
    told = [f"the same by name of the build: `uv pip install --torch-backend={build} {words}`"]
    if place.elsewhere and place.driver and option.candidate.kind == "cuda":
        told.append(
            f"`UV_CUDA_DRIVER_VERSION={place.driver}` with `--torch-backend=auto` makes uv choose for that machine's driver; "
            "it does not look at the GPU"
        )
    return tuple(told)


def conda_override(option: Option, place: Place) -> tuple[str, ...]:
    """``CONDA_OVERRIDE_CUDA``, where the machine that solves has no driver of its own to ask."""
    cuda = option.candidate.cuda
    if cuda is None or (place.driver and not place.elsewhere):
        return ()
    windows = place.os == "windows" or place.wsl
    supported = (drivers.max_cuda(place.driver, windows=windows) if place.driver else None) or minor(cuda)
    where = "on a machine without that driver" if place.driver else "where no driver is found"
    return (f"{where} set `CONDA_OVERRIDE_CUDA={supported}` for the solver, or it takes the CPU build",)


def variant(option: Option, place: Place) -> tuple[str, ...]:
    """The properties by which a wheel variant of this build is chosen: a draft, which uv reads as a preview."""
    cuda = cuda_of_label(option.candidate.build)
    if cuda is None or not place.sms or place.offline:
        return ()
    codes = sorted({code for code in option.candidate.sass for sm in place.sms if archs.sass_runs_on(f"sm_{code}", sm, cuda)})
    if not codes:
        return ()
    properties = [f"nvidia::cuda_version_lower_bound::{cuda}", *(f"nvidia::sm_arch::{code}_real" for code in codes)]
    return (f"as a wheel variant (PEP 817, a draft; uv --preview-features wheel-variants): {', '.join(properties)}",)
