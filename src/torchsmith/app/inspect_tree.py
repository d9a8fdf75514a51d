"""Thousands of binaries, streamed: what each is, made once for all the paths that lead to it."""

from __future__ import annotations

from torchsmith.model.inspected import binary_object
from torchsmith.model.known import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from torchsmith.host.base import Candidate, Host
    from torchsmith.model.inspected import BinaryObject
    from torchsmith.model.known import Fact

WHEEL = ".whl"


def objects(host: Host, paths: Iterable[str], wheels: list[str] | None = None) -> Iterator[tuple[str, BinaryObject | Unknown]]:
    """(path, what it is) for the files among ``paths``, and for every binary in the folders among them, as they come.

    Paths of one content share one object. What cannot be read, or looked into, is Unknown; the paths of wheels are put into
    ``wheels``, if that is given: a wheel is no binary.
    """
    unseen: list[Unknown] = []
    yield from made(host.binaries("object", _files(host, paths, unseen, [] if wheels is None else wheels)))
    for unknown in unseen:
        yield ", ".join(unknown.tried), unknown


def made(answers: Iterable[tuple[str, Fact[Any]]]) -> Iterator[tuple[str, BinaryObject | Unknown]]:
    """The objects of a host's answers; paths of one content, which come one after the other, share one object."""
    value, shared = None, None
    for path, answer in answers:
        if isinstance(answer, Unknown):
            yield path, answer
            continue
        if shared is None or answer.value is not value:
            value, shared = answer.value, binary_object(answer.value)
        yield path, shared


def _files(host: Host, paths: Iterable[str], unseen: list[Unknown], wheels: list[str]) -> Iterator[Candidate]:
    for found in host.tree(*paths):
        if isinstance(found, Unknown):
            unseen.append(found)
        elif found.path.endswith(WHEEL):
            wheels.append(found.path)
        else:
            yield found
