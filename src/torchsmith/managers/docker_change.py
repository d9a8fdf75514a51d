"""A project in a container: its Dockerfile is patched, or Dockerfile.torch written; its compose file hands the GPU on.

torchsmith builds no image and starts no container: these commands are shown. What is not understood is refused, with the lines
to put in by hand.
"""

from __future__ import annotations

import json

from torchsmith.managers import docker, places, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import compose, dockerfile
from torchsmith.managers.edits.base import EditError
from torchsmith.model.pattern import pattern
from torchsmith.model.transaction import Shown, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchsmith.managers.transactions import Files
    from torchsmith.model.choice import Option, Place

FILE = "Dockerfile"
COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_PYTHON = pattern(r"((?:docker\.io/)?(?:library/)?python:)(\d+\.\d+)(?:\.\d+)?((?:-[a-z]+(?:\d[\d.]*)?)*)")
_OWN_TORCH = pattern(
    r"(?:docker\.io/)?(?:pytorch/pytorch|nvcr\.io/nvidia/pytorch|huggingface/transformers-pytorch-gpu)(?:[:@].*)?"
)
_INDEXES = ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX")
_SHARED_MEMORY = "8gb"


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that are looked at."""
    del option, files
    folder = transactions.here(place)
    return tuple(f"{folder}/{name}" for name in (FILE, docker.FILE, *COMPOSE)) if folder else ()


def change(option: Option, place: Place, files: Files) -> Transaction:
    """The image of the project with this torch, and the container that sees the GPU.

    Raises:
        CannotDo: a file of the project is not understood; with the lines to put in by hand.

    """
    root = transactions.root(place)
    steps = docker.steps(option, place)
    ((name, whole),) = steps.files
    if f"{root}/{FILE}" in files:
        name, whole = FILE, _patched(files[f"{root}/{FILE}"], docker.for_linux(option, place), place)
    path = f"{root}/{name}"
    composed = next((each for each in COMPOSE if f"{root}/{each}" in files), "")
    edits = transactions.edit(path, whole, files, "torch from its index, in a line of its own")
    notes = steps.notes
    if composed:
        text, said = _composed(composed, files[f"{root}/{composed}"], name, option, place)
        edits = (*edits, *transactions.edit(f"{root}/{composed}", text, files, "the container gets the GPU"))
        notes = (*notes, *said)
    if not edits:
        return Transaction(transactions.title(option))
    words = [tuple(name if word == docker.FILE else word for word in command) for command in steps.commands]
    shown = [("docker", "compose", "build"), ("docker", "compose", "up")] if composed else words
    return Transaction(
        transactions.title(option),
        edits=edits,
        shown=tuple(Shown(command, "it makes an image or a container, which is Docker's to keep") for command in shown),
        notes=transactions.notes(notes),
        indexes=transactions.indexes(option),
    )


def _patched(text: str, option: Option, place: Place) -> str:
    """The project's own Dockerfile: the image where its Python does not fit, the lines of pip."""
    try:
        _refuse_indexes(text)
        image = dockerfile.base(text)
        text = _based(text, image, option, place)
        return dockerfile.put_torch(text, places.wanted(option, place), option.index)
    except EditError as error:
        raise CannotDo(f"{FILE}: {error}; {_by_hand(option, place)}") from None


def _refuse_indexes(text: str) -> None:
    """A variable that names an index beside the one of torch would serve it too."""
    for name in _INDEXES:
        if dockerfile.env(text, name):
            raise EditError(
                f"ENV {name} names a second index for every line of pip: take it out, or name it in the lines that need it"
            )


def _based(text: str, image: str, option: Option, place: Place) -> str:
    """The image that fits; one that brings a torch of its own cannot be given another."""
    if _OWN_TORCH.fullmatch(image):
        base = docker.base_lines(option, place)[0].partition(" ")[2]
        raise EditError(f"{image} brings a torch of its own, with which a second one does not fit: begin with `FROM {base}`")
    found = _PYTHON.fullmatch(image)
    python = option.candidate.python
    if found and not python.endswith("t") and found[2] != python:
        return dockerfile.put_base(text, f"{found[1]}{python}{found[3]}")
    return text


def _by_hand(option: Option, place: Place) -> str:
    index = ("--index-url", option.index) if option.index else ()
    words = ["python", "-m", "pip", "install", "--no-cache-dir", *places.wanted(option, place), *index]
    return f"put in by hand: RUN {json.dumps(words)}"


# ---- compose


def _composed(name: str, text: str, file: str, option: Option, place: Place) -> tuple[str, tuple[str, ...]]:
    """The compose file with the GPU for the service that is built of the Dockerfile; else what to write there."""
    try:
        service = _service(text)
        if not service:
            return text, (_lines(name, option, place),)
        if option.candidate.kind == "cuda":
            text = compose.put_gpu(text, service)
        if place.goal == "training" and compose.value(text, service, "shm_size") is None:
            text = compose.put_key(text, service, "ipc", "host")
        said = () if option.candidate.kind in {"cuda", "cpu"} else (_lines(name, option, place),)
    except EditError as error:
        raise CannotDo(f"{name}: {error}; {_lines(name, option, place)}") from None
    how = () if file == FILE else (f"{name} still builds the project's own image: name {file} under `build:` of {service}",)
    return text, (*said, *how)


def _service(text: str) -> str:
    """The service that the change is for: the only one; empty where there are several."""
    found: Sequence[str] = compose.services(text)
    return found[0] if len(found) == 1 else ""


def _lines(name: str, option: Option, place: Place) -> str:
    if option.candidate.kind == "cuda":
        lines = "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}"
    else:
        devices = [
            word.partition("=")[2] for word in docker.devices(option.candidate.kind, place) if word.startswith("--device=")
        ]
        lines = f"devices: {json.dumps(devices)}" if devices else ""
    shared = f"shm_size: {_SHARED_MEMORY}" if place.goal == "training" else ""
    return f"put in by hand under the service of {name} that uses torch: {'; '.join(filter(None, (lines, shared)))}"
