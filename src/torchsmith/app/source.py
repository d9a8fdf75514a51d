"""``--from FILE``: a bundle, or text that somebody pasted."""

from __future__ import annotations

from torchsmith.app.asked import recorded_target
from torchsmith.host import bundle, files
from torchsmith.host.base import Host
from torchsmith.model.errors import UnreadableInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.known import Fact


def read(path: str) -> tuple[Host, dict[str, Fact[Any]]]:
    """The recorded machine in ``path``, and the facts that its text states.

    Raises:
        UnreadableInputError: it is neither a bundle nor text that is recognised.

    """
    data = files.read_input(path, bundle.SIZE_LIMIT)
    text = data.decode("utf-8", "replace")
    if not bundle.looks_like(text):
        raise UnreadableInputError(f"`{path}` is no bundle; make one with `torchsmith bundle -o FILE`")
    host = bundle.read(text, path)
    return host, recorded_target(host.target)
