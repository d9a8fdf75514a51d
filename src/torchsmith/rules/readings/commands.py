"""What an installer was asked for, by the commands in the text."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.complaint import Seen

_FAMILY = {"torch", "torchvision", "torchaudio", "pytorch"}
_TOOLS = {"pip", "setuptools", "wheel", "numpy", "uv", "poetry", "ninja", "packaging", "ipykernel", "to", "it", "and", "the"}
# Options whose next word is not a requirement.
_WITH_VALUE = {"-i", "-f", "-c", "-t", "--index-url", "--extra-index-url", "--find-links", "--constraint", "--target", "--index"}
_INDEX = re.compile(r"index|\s-f\s|\s-i\s|find-links|torch-backend|https?://")


def installs_other(seen: Seen) -> bool:
    """Whether something else than torch itself was installed."""
    return any(name not in _FAMILY for line in _commands(seen) for name in _names(line))


def only_files(seen: Seen) -> bool:
    """Whether what was installed is a file of requirements, and nothing by name: of torch, too, it may be the first."""
    return all(name in {"-r", "--requirement"} for line in _commands(seen) for name in _names(line))


def installs_torch(seen: Seen) -> bool:
    """Whether torch was asked for by name."""
    return any(name in _FAMILY for line in _commands(seen) for name in _names(line))


def plainly(seen: Seen) -> bool:
    """Whether torch was asked for without naming an index."""
    return any(not _INDEX.search(line) and any(name in _FAMILY for name in _names(line)) for line in _commands(seen))


def _commands(seen: Seen) -> Iterator[str]:
    return (c.captured["arguments"] for c in seen.complaints if c.signature == "install-command")


def _names(arguments: str) -> Iterator[str]:
    """The requirements of a command, until its sentence goes on; a file of requirements counts as one."""
    skip = False
    for word in arguments.split():
        if skip:
            skip = False
        elif word in {"-r", "--requirement", "-e", "--editable", "."}:
            yield word
            skip = True
        elif word in {"->", "|", "&&", ";", "#", "=>"} or word.startswith(("(", "#")):
            return
        elif word in _WITH_VALUE:
            skip = True
        elif not word.startswith("-"):
            found = re.match(r"['\"`]?([A-Za-z][\w.-]{1,60})", word)
            name = re.split(r"[=<>~!\[]", found[1].lower())[0] if found else ""
            if name and name not in _TOOLS:
                yield name
            if name not in _FAMILY and name not in _TOOLS:
                return
