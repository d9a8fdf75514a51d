"""What an object asks of the libraries around it, and whether they answer: known before anything is loaded."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Unanswered:
    """A symbol that no library offers."""

    name: str
    """Mangled, as in the file; ``#12`` for one that is asked for by number (Windows)."""
    version: str = ""
    """The symbol version that it was linked against, such as ``GLIBCXX_3.4.32``."""
    library: str = ""
    """The library that was to offer it; "" where any may (Linux)."""


@record
class LackingVersion:
    """A symbol version that a library does not have: the loader stops there before it looks for symbols."""

    version: str
    """Such as ``GLIBCXX_3.4.32``."""
    library: str
    """The file that lacks it."""


@record
class Binding:
    """How one object meets the libraries that it would be loaded beside."""

    path: str
    wanted: int
    """How many symbols it takes from others."""
    missing: tuple[Unanswered, ...] = ()
    """In the order in which the loader asks: its message names the first."""
    lacking: tuple[LackingVersion, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    """(path, reason) of libraries that could not be read: what they offer is not known."""


@record
class TorchSymbols:
    """What an extension needs of torch and does not get."""

    missing: tuple[str, ...]
    """Mangled names, in the order in which the loader asks for them."""
    readable: tuple[str, ...]
    """The same for people, such as ``c10::cuda::CUDAStream::query``, without parameters."""
    releases: tuple[str, ...]
    """Releases of torch that export all of them; empty where no single one does, or nobody knows."""
    message: str
    """What the loader will say."""
    why: str
    """What that means, in one sentence."""
