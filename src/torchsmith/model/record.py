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
    body = {name: item for name, item in cls.__dict__.items() if name not in {"__dict__", "__weakref__"}}
    defaults = {name: body.pop(name) for name in own if name in body}
    before: tuple[str, ...] = getattr(cls, "_fields", ())
    body["__slots__"] = tuple(name for name in own if name not in before)
    body["_fields"] = body["__match_args__"] = before + body["__slots__"]
    body["_defaults"] = {**getattr(cls, "_defaults", {}), **defaults}
    meta: Any = type(cls)
    made = meta(cls.__name__, cls.__bases__, {**_METHODS, **body})
    made.__qualname__ = cls.__qualname__
    return made  # type: ignore[no-any-return]


_put = object.__setattr__


def _init(self: Any, *values: Any, **named: Any) -> None:
    kind = type(self)
    names, defaults = kind._fields, kind._defaults
    if not named and len(values) <= len(names):
        for name, value in zip(names, values, strict=False):
            _put(self, name, value)
        for name in names[len(values) :]:
            if name not in defaults:
                raise TypeError(f"{kind.__name__} misses the field {name!r}")
            _put(self, name, defaults[name])
        return
    if len(values) > len(names):
        raise TypeError(f"{kind.__name__} takes {len(names)} fields, got {len(values)}")
    given = dict(zip(names, values, strict=False))
    for name, value in named.items():
        if name in given or name not in names:
            raise TypeError(f"{kind.__name__} got an unexpected or doubled field {name!r}")
        given[name] = value
    for name in names:
        if name not in given and name not in defaults:
            raise TypeError(f"{kind.__name__} misses the field {name!r}")
        _put(self, name, given[name] if name in given else defaults[name])


def _frozen(self: Any, name: str, value: object) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: cannot set {name!r} to {value!r}")


def _state(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in type(self)._fields)


def _restore(self: Any, state: tuple[Any, ...]) -> None:
    for name, value in zip(type(self)._fields, state, strict=True):
        _put(self, name, value)


def _equal(self: Any, other: object) -> bool:
    return type(self) is type(other) and _state(self) == _state(other)


def _hash(self: Any) -> int:
    return hash((type(self).__name__, _state(self)))


def _shown(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in type(self)._fields)})"


_METHODS: dict[str, Any] = {
    "__init__": _init,
    "__setattr__": _frozen,
    "__getstate__": _state,
    "__setstate__": _restore,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _shown,
}


@dataclass_transform(frozen_default=True)
def packed(cls: type[T]) -> type[T]:
    """A ``record`` that is kept as a tuple: for values that are made by the thousand, at a tenth of the cost.

    Raises:
        TypeError: on construction, for a missing, doubled or unknown field.
        AttributeError: on assignment.

    """
    from _collections import _tuplegetter  # type: ignore[import-not-found]

    own = tuple(cls.__annotations__)
    body = {name: item for name, item in cls.__dict__.items() if name not in {"__dict__", "__weakref__"}}
    defaults = {name: body.pop(name) for name in own if name in body}
    places = {name: _tuplegetter(place, None) for place, name in enumerate(own)}
    shared = {"__new__": _packed_new, "__repr__": _shown, "__getnewargs__": _packed_values}
    meta: Any = type(cls)
    made = meta(
        cls.__name__,
        (tuple,),
        {**body, **places, **shared, "__slots__": (), "_fields": own, "__match_args__": own, "_defaults": defaults},
    )
    made.__qualname__ = cls.__qualname__
    return made  # type: ignore[no-any-return]


def _packed_values(self: Any) -> tuple[Any, ...]:
    return tuple(self)


def _packed_new(kind: Any, /, *values: Any, **named: Any) -> Any:
    names, defaults = kind._fields, kind._defaults
    if named or len(values) != len(names):
        if len(values) > len(names):
            raise TypeError(f"{kind.__name__} takes {len(names)} fields, got {len(values)}")
        given = dict(zip(names, values, strict=False))
        for name, value in named.items():
            if name in given or name not in names:
                raise TypeError(f"{kind.__name__} got an unexpected or doubled field {name!r}")
            given[name] = value
        for name in names:
            if name not in given and name not in defaults:
                raise TypeError(f"{kind.__name__} misses the field {name!r}")
        values = tuple(given[name] if name in given else defaults[name] for name in names)
    return tuple.__new__(kind, values)


def fields(value: object) -> tuple[str, ...]:
    """The field names of a record or a record class, in order; empty for anything else."""
    names: tuple[str, ...] = getattr(value, "_fields", ())
    return names


def replace(value: T, **changes: Any) -> T:
    """A copy of the record ``value`` with some fields changed."""
    same = [changes.pop(name) if name in changes else getattr(value, name) for name in fields(value)]
    return type(value)(*same, **changes)


def plain(value: object) -> Any:
    """``value`` as JSON-able data: records become objects, tuples and sets lists, enums their values."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    names = fields(value) or tuple(getattr(value, "__dataclass_fields__", ()))
    if not names:
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return {name: plain(getattr(value, name)) for name in names}
