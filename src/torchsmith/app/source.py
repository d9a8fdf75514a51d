"""``--from FILE``: a bundle, or text that somebody pasted."""

from __future__ import annotations

from torchsmith.app.asked import recorded_target
from torchsmith.host import bundle, files
from torchsmith.host.base import Host
from torchsmith.host.replay import ReplayHost
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.known import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.known import Fact

NOT_TOLD = "not asked: it is not in the pasted text"


def read(path: str) -> tuple[Host, dict[str, Fact[Any]]]:
    """The recorded machine in ``path``, and the facts that its text states.

    Raises:
        UnreadableInputError: it is neither a bundle nor text that is recognised.

    """
    data = files.read_input(path, bundle.SIZE_LIMIT)
    if bundle.looks_like(data):
        host = bundle.read(bundle.decoded(data, path), path)
        return host, recorded_target(host.target)
    return pasted(data, path)


def pasted(data: bytes, path: str) -> tuple[Host, dict[str, Fact[Any]]]:
    """A host that knows nothing, and what the text states; every other probe's fact is Unknown, for nobody was asked.

    Raises:
        UnreadableInputError: nothing in it is recognised.

    """
    from torchsmith.app.catalogue import DETAILS, NODES
    from torchsmith.intake import formats

    # UTF-16 apart, text has no zero bytes.
    stated = {} if b"\0" in data[:65536] and data[:2] not in {b"\xff\xfe", b"\xfe\xff"} else formats.read(data)
    if not stated:
        raise UnreadableInputError(
            f"`{path}` is no bundle, and nothing in it is recognised: give a bundle (`torchsmith bundle`), or the output of"
            " `python -m torch.utils.collect_env`, `nvidia-smi`, `pip list` or `conda list`"
        )
    unasked: dict[str, Fact[Any]] = {node.fact: Unknown(NOT_TOLD, (path,)) for node in (*NODES, *DETAILS) if node.host}
    return ReplayHost({}, reason=NOT_TOLD), unasked | stated
