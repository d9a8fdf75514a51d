"""Docker: an image with the wheels inside. They bring their CUDA runtime, so a plain Python image is base enough.

Only what compiles needs NVIDIA's image with the toolkit. The driver always is the host's.
"""

from __future__ import annotations

import json

from torchsmith.knowledge import drivers, toolkits
from torchsmith.managers import places
from torchsmith.model.action import Command
from torchsmith.model.choice import Steps
from torchsmith.model.record import replace
from torchsmith.model.versions import key, major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place

FILE = "Dockerfile.torch"
SYSTEMS = ((13, "ubuntu24.04"), (11, "ubuntu22.04"))
"""The system of NVIDIA's images that is taken, by the lowest CUDA major."""

INTEL = "intel/oneapi-runtime:latest"
"""Intel's image: the wheels look for its Level Zero driver in the container, and a plain Python image has none."""

NEEDS = {
    "rocm": "the host needs the amdgpu driver alone (/dev/kfd): the wheels bring ROCm; where access is denied, "
    "`--group-add` takes the number of the host's render group too",
    "xpu": "the host needs Intel's kernel driver (/dev/dri); its Level Zero driver comes with the image",
    "rocm on WSL": "Windows' own driver serves the container by /dev/dxg; torch's libhsa-runtime64.so has to give way to AMD's "
    "for WSL there",
    "xpu on WSL": "Windows' own driver serves the container by /dev/dxg",
}
"""What the host has to have, by kind."""


def steps(option: Option, place: Place) -> Steps:
    """A file, an image, and a container that shows whether torch sees the GPU."""
    candidate, option = option.candidate, for_linux(option, place)
    image = f"torch:{candidate.torch}-{candidate.build}"
    gpu = devices(candidate.kind, place)
    shared = ("--ipc=host",) if place.goal == "training" else ()
    module = "xpu" if candidate.kind == "xpu" else "cuda"
    test = ("python", "-c", f"import torch; print(torch.__version__, torch.{module}.is_available())")
    made = (
        ("docker", "build", "-f", FILE, "-t", image, "."),
        ("docker", "run", "--rm", *gpu, *shared, image, *test),
    )
    return Steps(tuple(map(Command, made)), made, ((FILE, _file(option, place)),), _notes(option, place))


def for_linux(option: Option, place: Place) -> Option:
    """The image is Linux, whose default build may be another than the host's: there the index is named."""
    index = option.candidate.index
    if place.os == "linux" or option.index or index is None:
        return option
    pins = tuple(replace(pin, index=index) if pin.name in places.FAMILY else pin for pin in option.packages)
    return replace(option, index=index, packages=pins)


def devices(kind: str, place: Place) -> tuple[str, ...]:
    """How the GPU is handed to a container: NVIDIA's by its toolkit, the others as the device files of their driver."""
    if kind == "cuda":
        return ("--gpus", "all")
    if kind in {"rocm", "xpu"} and place.wsl:
        return ("--device=/dev/dxg", "--volume=/usr/lib/wsl:/usr/lib/wsl")
    # Intel's image names its own oneAPI by this variable, before that of the wheels.
    intel = ("--device=/dev/dri", "--env=LD_LIBRARY_PATH=")
    return {"rocm": ("--device=/dev/kfd", "--device=/dev/dri", "--group-add=video"), "xpu": intel}.get(kind, ())


def _file(option: Option, place: Place) -> str:
    wanted, rest = places.wanted(option, place), places.others(option)
    index = ("--index-url", option.index) if option.index else ()
    installer = ["python", "-m", "pip", "install", "--no-cache-dir"]
    lines = base_lines(option, place)
    lines.append(_run([*installer, *wanted, *index]))
    if rest:
        lines.append(_run([*installer, *rest, *wanted[:1]]))
    lines += [_run(list(command)) for command in places.building(option, *installer)]
    return "\n".join(lines) + "\n"


def base_lines(option: Option, place: Place) -> list[str]:
    """The image that it starts from, with a Python first on PATH."""
    candidate = option.candidate
    compiled = _compiles(option, place)
    own = candidate.kind == "xpu"
    if not compiled and not own and not candidate.python.endswith("t"):
        return [f"FROM python:{candidate.python}-slim"]
    base = INTEL if own else "debian:stable-slim"
    if compiled:
        system = next(name for least, name in SYSTEMS if major(candidate.cuda or "") >= least)
        base = f"nvidia/cuda:{_patch(candidate.cuda or '')}-devel-{system}"
    return [
        f"FROM {base}",
        "COPY --from=ghcr.io/astral-sh/uv:latest /uv /usr/local/bin/uv",
        _run(["uv", "venv", "--seed", "--python", candidate.python, "/opt/torch"]),
        'ENV PATH="/opt/torch/bin:$PATH"',
    ]


def _compiles(option: Option, place: Place) -> bool:
    """Whether something is compiled in the image, which takes NVIDIA's with the toolkit."""
    return option.candidate.cuda is not None and (place.goal == "extension-build" or bool(places.built(option)))


def _patch(cuda: str) -> str:
    """The newest listed release of a CUDA minor: images bear three numbers."""
    same = [version for version in toolkits.known() if key(version)[:2] == key(cuda)[:2]]
    return same[-1] if same else f"{minor(cuda)}.0"


def _run(argv: list[str]) -> str:
    """The form without a shell: nothing in it is ever expanded."""
    return f"RUN {json.dumps(argv)}"


def _notes(option: Option, place: Place) -> tuple[str, ...]:
    candidate = option.candidate
    tags = "the images are named by tags that move: `docker images --digests` tells what to write in their place for keeps"
    memory = "without --ipc=host or --shm-size the 64 MB of /dev/shm stop DataLoader workers"
    shared = (memory if place.goal != "inference" else "", tags if place.goal == "reproducible" else "")
    if candidate.kind in NEEDS:
        return places.notes((NEEDS[f"{candidate.kind} on WSL" if place.wsl else candidate.kind],), shared)
    if candidate.kind != "cuda" or candidate.cuda is None:
        return ()
    windows = place.os == "windows" or place.wsl
    lowest = drivers.needed(candidate.cuda, windows=windows)
    container = (
        "Docker Desktop with the WSL 2 engine passes the GPU of Windows' own driver; no driver is installed inside"
        if windows
        else "the host needs the driver and NVIDIA's Container Toolkit (`nvidia-ctk runtime configure --runtime=docker`)"
    )
    needs = f"the image takes the host's driver, from {lowest} on" if lowest else ""
    image = (
        f"not every patch release of CUDA has an image: where this one is missing, take the next one of {minor(candidate.cuda)}"
    )
    return places.notes((container, needs), shared, (image,) if _compiles(option, place) else ())
