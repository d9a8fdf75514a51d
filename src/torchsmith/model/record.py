"""Frozen, slotted value classes that cost nothing to import.

``dataclasses`` pulls in ``inspect`` and compiles code for every class: with fifty fact types that is more than the whole
start-up budget of ``torchsmith check`` (docs/decisions.md has the figures). ``record`` gives the part of it that facts need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object):  # noqa: ANN201, D103
        return lambda decorator: decorator


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen, slotted value class of its annotated fields.

    Defaults must be immutable values. Instances compare and hash by their fields.

    Raises:
        TypeError: on construction, for a missing, doubled or unknown field.
        AttributeError: on assignment.

    """
    own = tuple(cls.__annotations__)
    inherited: tuple[str, ...] = getattr(cls, "_fields", ())
    fields = inherited + tuple(name for name in own if name not in inherited)
    body = dict(cls.__dict__)
    defaults: dict[str, Any] = dict(getattr(cls, "_defaults", {}))
    defaults.update({name: body.pop(name) for name in own if name in body})
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        if len(values) > len(fields):
            raise TypeError(f"{cls.__name__} takes {len(fields)} fields, got {len(values)}")
        given = dict(zip(fields, values, strict=False))
        for name, value in named.items():
            if name in given or name not in fields:
                raise TypeError(f"{cls.__name__} got an unexpected or doubled field {name!r}")
            given[name] = value
        for name in fields:
            if name not in given and name not in defaults:
                raise TypeError(f"{cls.__name__} misses the field {name!r}")
            object.__setattr__(self, name, given[name] if name in given else defaults[name])

    def __setattr__(self: Any, name: str, value: object) -> None:
        raise AttributeError(f"{cls.__name__} is frozen: cannot set {name!r} to {value!r}")

    def __eq__(self: Any, other: object) -> bool:
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in fields)

    def __hash__(self: Any) -> int:
        return hash((cls.__name__, *(getattr(self, name) for name in fields)))

    def __repr__(self: Any) -> str:
        return f"{cls.__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in fields)})"

    def __setstate__(self: Any, state: tuple[Any, ...]) -> None:
        for name, value in zip(fields, state, strict=True):
            object.__setattr__(self, name, value)

    body |= {
        "__slots__": tuple(name for name in own if name not in inherited),
        "__match_args__": fields,
        "_fields": fields,
        "_defaults": defaults,
        "__init__": __init__,
        "__setattr__": __setattr__,
        "__eq__": __eq__,
        "__hash__": __hash__,
        "__repr__": body.get("__repr__", __repr__),
        "__getstate__": lambda self: tuple(getattr(self, name) for name in fields),
        "__setstate__": __setstate__,
    }
    made: type[T] = type(cls)(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    return made


def fields(value: object) -> tuple[str, ...]:
    """The field names of a record or a record class, in order; empty for anything else."""
    names: tuple[str, ...] = getattr(value, "_fields", ())
    return names


def replace(value: T, **changes: Any) -> T:
    """A copy of the record ``value`` with some fields changed."""
    return type(value)(**{name: getattr(value, name) for name in fields(value)} | changes)


def plain(value: object) -> Any:
    """``value`` as JSON-able data: records become objects, tuples and sets lists, enums their values."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    names = fields(value) or tuple(getattr(value, "__dataclass_fields__", ()))
    if not names:
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return {name: plain(getattr(value, name)) for name in names}
