"""A build of torch from its sources with a CUDA toolkit: the plain way, with its honest price."""

from __future__ import annotations

from torchsmith.knowledge import toolkits
from torchsmith.managers import places, toolkit
from torchsmith.model.action import Command, SetVariable
from torchsmith.model.choice import Steps
from torchsmith.model.versions import compute_capability, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.action import Action
    from torchsmith.model.choice import Option, Place

REPOSITORY = "https://github.com/pytorch/pytorch"


def steps(option: Option, place: Place) -> Steps:
    """Sources at the release's tag, what they need, the variables that decide, and pip as the front end of every release."""
    candidate = option.candidate
    cuda = minor(candidate.cuda or "")
    python = places.executable(place)
    codes = sorted(set(place.sms)) or list(candidate.sass)
    values = {
        "CUDA_HOME": toolkit.root(cuda, place),
        "USE_CUDA": "1",
        "TORCH_CUDA_ARCH_LIST": ";".join(compute_capability(sm) for sm in codes),
        "PYTORCH_BUILD_VERSION": candidate.version,
        "PYTORCH_BUILD_NUMBER": "1",
    }
    clone = ("git", "clone", "--depth", "1", "--branch", f"v{candidate.torch}", "--recurse-submodules", "--shallow-submodules")
    made = (
        *(places.new_environment(option, place) if place.fresh else ()),
        (*clone, REPOSITORY),
        (python, "-m", "pip", "install", "-r", "pytorch/requirements.txt"),
        *(command for name, value in values.items() for command in places.variable(name, value, place)),
        (python, "-m", "pip", "install", "--no-build-isolation", "-v", "./pytorch"),
    )
    typed: tuple[Action, ...] = (*(SetVariable(name, value) for name, value in values.items()), Command(made[-1]))
    told = places.notes(places.why_new(option, place), toolkit.source(cuda, place), _price(option, place))
    return Steps(typed, made, notes=told)


def _price(option: Option, place: Place) -> tuple[str, ...]:
    found = toolkits.get(option.candidate.cuda or "")
    compiler = "a version that nvcc takes"
    if found:
        msvc = f"cl.exe {_cl(found.msc_ver_min)} to {_cl(found.msc_ver_max)}"
        compiler = msvc if place.os == "windows" else f"gcc up to {found.gcc_max}"
    beside = [pin.name for pin in option.packages if pin.name in places.FAMILY and pin.name != "torch"]
    return (
        f"the host compiler has to be one that this nvcc takes: {compiler}",
        "it takes hours: an hour or more with 32 processors, most of a day with two, and about 20 GB of disk",
        "set MAX_JOBS so that each job has 4 GB of memory",
        "a build that does not find CUDA ends without an error, as a CPU build: its configure step has to say USE_CUDA : ON",
        f"{' and '.join(beside)}: to be built against it as well" if beside else "",
        "all of it in Visual Studio's x64 Native Tools prompt" if place.os == "windows" else "",
    )


def _cl(number: int | None) -> str:
    """Microsoft's number as cl.exe prints it: 19.49."""
    return f"{number // 100}.{number % 100:02}" if number else "any"
