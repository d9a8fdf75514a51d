"""What the rules on resolving say in the same words: which build is meant, and how uv and Poetry bind torch to its index."""

from __future__ import annotations

import re

from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.finding import Remedy, Safety, WontHelp
from torchsmith.model.versions import cuda_of_label, local_label
from torchsmith.rules.common import index_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torchsmith.model.complaint import Seen
    from torchsmith.model.facts.install import Index
    from torchsmith.model.facts.project import Source

FAMILY = ("torch", "torchvision", "torchaudio")
SERVED = frozenset({*FAMILY, "torchtext", "torchdata", "triton", "pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu"})
"""What the PyTorch indexes serve in full; of other packages they have single wheels only."""
BLAME = (
    WontHelp("Installing a CUDA toolkit or another driver", "which wheel is chosen is decided before anything of CUDA is loaded"),
)


def is_pytorch(url: str) -> bool:
    """Whether a URL is one of the PyTorch indexes or a mirror of one."""
    return (
        bool(index_label(url))
        or "/whl/torch_stable" in url
        or url.rstrip("/").endswith(("pytorch.org/whl", "pytorch.org/whl/test"))
    )


def pytorch(sources: Iterable[Source]) -> list[Source]:
    """Those of the sources that serve torch."""
    return [source for source in sources if is_pytorch(source.url)]


def projects(seen: Seen) -> PastedProject:
    """What was pasted of project files; empty where nothing was."""
    found = seen.value("pasted_project")
    return found if isinstance(found, PastedProject) else PastedProject()


def transcripts(seen: Seen) -> Transcript:
    """What installers printed; empty where none did."""
    found = seen.value("transcript")
    return found if isinstance(found, Transcript) else Transcript()


def wanted(project: PastedProject | None, transcript: Transcript | None) -> str:
    """The label of the torch build that is meant: ``cu128``; empty where the text does not tell."""
    labels = [label for label in _labels(project, transcript) if label]
    return next((label for label in labels if label != "cpu"), labels[0] if labels else "")


def _labels(project: PastedProject | None, transcript: Transcript | None) -> Iterator[str]:
    if transcript:
        changed = transcript.replaced("torch")
        if changed:
            yield local_label(changed.before)
        for request in transcript.requests:
            yield from (index_label(index.url).rpartition("/")[2] for index in request.indexes)
            yield from (local_label(package) for package in request.packages if package.startswith("torch"))
        yield from (index_label(index.url).rpartition("/")[2] for index in transcript.indexes)
    if project:
        yield from (index_label(source.url).rpartition("/")[2] for source in project.sources)
        yield from (local_label(dependency.specifier) for dependency in project.declared("torch"))


def label_of(seen: Seen) -> str:
    """The label of the build that is meant: by the text, else the one that fits GPU and driver; empty where none is known."""
    said = wanted(seen.value("pasted_project"), seen.value("transcript")) or local_label(seen.captured("version"))
    build = seen.value("fitting_build")
    said = said or (build.build if build else "")
    return said if cuda_of_label(said) or said == "cpu" else ""


def address(label: str) -> str:
    """The index of a build."""
    from torchsmith.knowledge import torch_builds  # only a text that needs it pays for the table

    return torch_builds.index_url(label)


def _known(label: str) -> str:
    """The label, if it is one: it comes from a pasted text and goes into a command."""
    return label if re.fullmatch(r"cu\d{2,3}|cpu|xpu|rocm\d\.\d(?:\.\d)?", label) else ""


def bind_uv(label: str, packages: tuple[str, ...] = ("torch", "torchvision"), why: str = "") -> Remedy:
    """Torch as a direct dependency from one explicit index: uv writes index and sources itself, but not ``explicit``."""
    title = "Name torch as a dependency of the project and bind its family to one index, with `explicit = true` under it"
    commands: tuple[tuple[str, ...], ...] = ()
    if _known(label):
        commands = (
            ("uv", "add", "--frozen", "--index", f"pytorch-{label}={address(label)}", *packages),
            ("uv", "lock"),
            ("uv", "sync"),
        )
    return Remedy(title, why, Safety.DISPLAY_ONLY, commands=commands)


def bind_poetry(label: str, packages: tuple[str, ...] = ("torch", "torchvision"), why: str = "") -> Remedy:
    """Torch as a direct dependency from an explicit source."""
    commands: tuple[tuple[str, ...], ...] = ()
    if _known(label):
        name = f"pytorch-{label}"
        commands = (
            ("poetry", "source", "add", "--priority", "explicit", name, address(label)),
            ("poetry", "add", "--source", name, *packages),
        )
    return Remedy("Name torch as a direct dependency with an explicit source", why, Safety.DISPLAY_ONLY, commands=commands)


def named(indexes: Iterable[Index]) -> str:
    """The labels of indexes as one phrase."""
    return ", ".join(dict.fromkeys(index_label(index.url) or "another index" for index in indexes))
