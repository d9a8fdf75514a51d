"""Docker: an image with the wheels inside. They bring their CUDA runtime, so a plain Python image is base enough.

Only what compiles needs NVIDIA's image with the toolkit. The driver always is the host's.
"""

from __future__ import annotations

import json

from torchsmith.knowledge import drivers, toolkits
from torchsmith.managers import places
from torchsmith.model.action import Command
from torchsmith.model.choice import Steps
from torchsmith.model.versions import key, major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place

FILE = "Dockerfile.torch"
SYSTEMS = ((13, "ubuntu24.04"), (11, "ubuntu22.04"))
"""The system of NVIDIA's images that is taken, by the lowest CUDA major."""


def steps(option: Option, place: Place) -> Steps:
    """A file, an image, and a container that shows whether torch sees the GPU."""
    candidate = option.candidate
    image = f"torch:{candidate.torch}-{candidate.build}"
    gpu = ("--gpus", "all") if candidate.kind == "cuda" else ()
    shared = ("--ipc=host",) if place.goal == "training" else ()
    test = ("python", "-c", "import torch; print(torch.__version__, torch.cuda.is_available())")
    made = (
        ("docker", "build", "-f", FILE, "-t", image, "."),
        ("docker", "run", "--rm", *gpu, *shared, image, *test),
    )
    return Steps(tuple(map(Command, made)), made, ((FILE, _file(option, place)),), _notes(option, place))


def _file(option: Option, place: Place) -> str:
    wanted, rest = places.wanted(option, place), places.others(option)
    index = ("--index-url", option.index) if option.index else ()
    installer = ["python", "-m", "pip", "install", "--no-cache-dir"]
    lines = _base(option, place)
    lines.append(_run([*installer, *wanted, *index]))
    if rest:
        lines.append(_run([*installer, *rest, *wanted[:1]]))
    return "\n".join(lines) + "\n"


def _base(option: Option, place: Place) -> list[str]:
    """The image that it starts from, with a Python first on PATH."""
    candidate = option.candidate
    compiled = place.goal == "extension-build" and candidate.cuda is not None
    if not compiled and not candidate.python.endswith("t"):
        return [f"FROM python:{candidate.python}-slim"]
    base = "debian:stable-slim"
    if compiled:
        system = next(name for least, name in SYSTEMS if major(candidate.cuda or "") >= least)
        base = f"nvidia/cuda:{_patch(candidate.cuda or '')}-devel-{system}"
    return [
        f"FROM {base}",
        "COPY --from=ghcr.io/astral-sh/uv:latest /uv /usr/local/bin/uv",
        _run(["uv", "venv", "--seed", "--python", candidate.python, "/opt/torch"]),
        'ENV PATH="/opt/torch/bin:$PATH"',
    ]


def _patch(cuda: str) -> str:
    """The newest listed release of a CUDA minor: images bear three numbers."""
    same = [version for version in toolkits.known() if key(version)[:2] == key(cuda)[:2]]
    return same[-1] if same else f"{minor(cuda)}.0"


def _run(argv: list[str]) -> str:
    """The form without a shell: nothing in it is ever expanded."""
    return f"RUN {json.dumps(argv)}"


def _notes(option: Option, place: Place) -> tuple[str, ...]:
    candidate = option.candidate
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
    shared = "without --ipc=host or --shm-size the 64 MB of /dev/shm stop DataLoader workers"
    return places.notes((container, needs), (shared,) if place.goal != "inference" else ())
