"""How a probe, a derivation and a rule declare themselves: by a decorator and by their annotations.

An annotation names the fact that is needed, by its class:

    gpus: Gpus                    required; where it is Unknown the node is skipped, where there is none it does not apply
    torch: Torch | None           a known absence is welcome too
    driver: Driver | Unknown      an Unknown is welcome too
    host: Host                    the door (probes only)
"""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


@record
class Need:
    """A fact that a node takes, and in which forms."""

    fact: str
    absent: bool = False
    unknown: bool = False


@record
class Node:
    """A probe or a derivation: the fact it gives, where its function is, and what it needs. ``host`` marks a probe."""

    fact: str
    module: str
    function: str
    needs: tuple[Need, ...] = ()
    host: bool = False


@record
class RuleNode:
    """A rule: the cause that it establishes, where it is, what it needs, what it explains, the systems it speaks of."""

    slug: str
    module: str
    needs: tuple[Need, ...] = ()
    explains: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()


@record
class Declaration:
    """What a rule says of itself."""

    slug: str
    explains: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()


def fact_name(type_name: str) -> str:
    """The name of a fact in JSON and in the catalogue: ``TorchBuild`` is ``torch_build``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type_name).removeprefix("_")


def probe(function: F) -> F:
    """Mark the function that fetches and parses one fact: ``(host, facts...) -> Fact[T]``."""
    function.__torchsmith__ = "probe"  # type: ignore[attr-defined]
    return function


def detail(function: F) -> F:
    """Mark a probe whose fact is only shown: no rule, derivation or other probe may need it.

    It is asked where somebody wants to see everything: verbose, JSON, bundle.
    """
    function.__torchsmith__ = "detail"  # type: ignore[attr-defined]
    return function


def derivation(function: F) -> F:
    """Mark the pure function that makes one fact of others: ``(facts...) -> T`` or ``-> Fact[T]``."""
    function.__torchsmith__ = "derivation"  # type: ignore[attr-defined]
    return function


def rule(slug: str, *, explains: tuple[str, ...] = (), systems: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Mark the function of a rule: ``(facts...) -> Iterator[Finding]``.

    Args:
        slug: the cause that a finding of this rule establishes.
        explains: slugs that fold under it as symptoms when both are found.
        systems: where it applies (linux, windows, macos, wsl); everywhere if empty.

    """

    def mark(function: F) -> F:
        function.__torchsmith__ = Declaration(slug, explains, systems)  # type: ignore[attr-defined]
        return function

    return mark


def told(slug: str) -> Callable[[F], F]:
    """Mark the function that answers to a cause of which only a text tells: ``(Seen) -> Advice``. One in a rule's file."""

    def mark(function: F) -> F:
        function.__torchsmith__ = ("told", slug)  # type: ignore[attr-defined]
        return function

    return mark


def reading(*signatures: str) -> Callable[[F], F]:
    """Mark the function that tells which causes a complaint points at, by the facts: ``(Complaint, Seen) -> Iterator[Pointer]``.

    It takes the place of the points in the signatures' own entries.
    """

    def mark(function: F) -> F:
        function.__torchsmith__ = ("reading", signatures)  # type: ignore[attr-defined]
        return function

    return mark


def needs_of(function: Callable[..., Any]) -> tuple[Need, ...]:
    """What the annotations of ``function`` ask for, in order; the host is left out.

    Raises:
        TypeError: an annotation is no fact.

    """
    needs = []
    for name, annotation in function.__annotations__.items():
        if name == "return" or annotation == "Host":
            continue
        parts = [part.strip() for part in str(annotation).split("|")]
        kinds = [part for part in parts if part not in {"None", "Unknown"}]
        if len(kinds) != 1 or not kinds[0].isidentifier() or fact_name(kinds[0]) != name:
            raise TypeError(f"{function.__module__}: parameter `{name}: {annotation}` must be named after its fact's class")
        needs.append(Need(name, "None" in parts, "Unknown" in parts))
    return tuple(needs)
