"""``--from FILE``: a bundle, or text that somebody pasted."""

from __future__ import annotations

from torchsmith.host import bundle, files
from torchsmith.host.base import Host
from torchsmith.model.errors import UnreadableInputError


def read(path: str) -> Host:
    """The recorded machine in ``path``.

    Raises:
        UnreadableInputError: it is neither a bundle nor text that is recognised.

    """
    data = files.read_input(path, bundle.SIZE_LIMIT)
    text = data.decode("utf-8", "replace")
    if not bundle.looks_like(text):
        raise UnreadableInputError(f"`{path}` is no bundle; make one with `torchsmith bundle -o FILE`")
    return bundle.read(text, path)
