"""What the header of a file of weights tells."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Weights:
    """A file of weights: its format, parameters, the bytes of all tensors, and bytes by number type.

    The shape is None where the file does not say it: ``layers``, ``kv_heads``, ``head_dim`` and ``hidden`` are those of a
    language model, ``context`` the longest context that it was made for. ``whole`` is False where the file is one of several.
    """

    format: str
    parameters: int | None
    bytes: int
    types: tuple[tuple[str, int], ...] = ()
    architecture: str = ""
    layers: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    hidden: int | None = None
    context: int | None = None
    whole: bool = True
    path: str = ""
