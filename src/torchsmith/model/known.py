"""A fact is Known, with its source, or Unknown, with what was tried. Never ``None`` for "could not look".

``Known(None, source)`` is a known absence: "there is no torch here" is an answer, "the folder could not be read" is not.
"""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, TypeAlias, TypeVar

    from torchsmith.model.position import Position

    T_co = TypeVar("T_co", covariant=True)
    T = TypeVar("T")
else:

    class Generic:
        """Stands in for ``typing.Generic``, whose import costs half of ``python -c pass``."""

        def __class_getitem__(cls, _: object) -> type:
            return cls

    T_co = None


@record
class Known(Generic[T_co]):
    """A value and how it was found: a path, a command, a library call, or an assumption.

    ``position`` is where a pasted text states it.
    """

    value: T_co
    source: str
    position: Position | None = None


@record
class Unknown:
    """Why a fact could not be had, and what was tried for it."""

    reason: str
    tried: tuple[str, ...] = ()


if TYPE_CHECKING:
    Fact: TypeAlias = Known[T] | Unknown
else:
    Fact = Known
