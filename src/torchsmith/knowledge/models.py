"""Models by size and shape, the programs that run them, and what is known of the memory that they take."""

from __future__ import annotations

from torchsmith.knowledge.compiled import memory_terms, model_implementations, model_memory, models, number_types
from torchsmith.model.record import record


@record
class Model:
    """A model: parameters in millions; the shape of a language model is None for any other."""

    name: str
    aliases: tuple[str, ...]
    family: str
    params_m: int
    layers: int | None
    kv_heads: int | None
    head_dim: int | None
    hidden: int | None
    note: str | None
    source: str


@record
class NumberType:
    """How weights are held: thousandths of a byte for each parameter, and the compute capability that computes with it."""

    name: str
    aliases: tuple[str, ...]
    millibytes: int
    native_sm: int | None
    files: tuple[str, ...]
    source: str


@record
class Implementation:
    """A program that runs models of a family: what it takes beside the weights, in MiB and in KiB per million parameters.

    ``items`` is how many it works on at once by default, ``item_kib_per_million`` what each further one takes.
    """

    name: str
    aliases: tuple[str, ...]
    family: str
    number_types: tuple[str, ...]
    fixed_low: int
    fixed_high: int
    low_kib: int | None
    high_kib: int | None
    item_kib: int | None
    items: int
    note: str | None
    source: str


@record
class Observed:
    """A published figure in MiB: measured, stated by the maker, claimed or recommended by others."""

    model: str
    implementation: str
    number_type: str
    items: int
    mib: int
    kind: str
    conditions: str | None
    source: str


def every() -> tuple[Model, ...]:
    """All models, smallest of each family first."""
    return tuple(Model(*row) for row in models.ROWS)


def types() -> tuple[NumberType, ...]:
    """All number types."""
    return tuple(NumberType(*row) for row in number_types.ROWS)


def implementations() -> tuple[Implementation, ...]:
    """All implementations."""
    return tuple(Implementation(*row) for row in model_implementations.ROWS)


def observed(model: str) -> tuple[Observed, ...]:
    """The published figures of a model."""
    return tuple(Observed(*row) for row in model_memory.ROWS if row[0] == model)


def term(name: str) -> tuple[int, int]:
    """The range of a term of the estimate."""
    return next((row[1], row[2]) for row in memory_terms.ROWS if row[0] == name)


def memory_of_gpu(name: str) -> tuple[int, ...]:
    """The sizes in GiB that a GPU product was sold with; empty where that is not known."""
    from torchsmith.knowledge import gpus, load

    row = gpus.by_name(name)
    if row is None or row.name is None:
        return ()
    listed = next((item for item in load.table("gpus").rows if item["name"] == row.name), None)
    sizes = listed["memory_gib"] if listed else ()
    return tuple(int(size) for size in sizes if str(size).isdigit()) if isinstance(sizes, tuple | list) else ()
