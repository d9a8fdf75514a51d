"""What a text complains of, which causes that points at, and what is answered."""

from __future__ import annotations

from torchsmith.model.finding import Remedy, Severity, WontHelp
from torchsmith.model.known import Known
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.model.known import Fact
    from torchsmith.model.position import Position


@record
class Complaint:
    """A line of a text in which a signature was recognised.

    ``says`` is the symptom in one phrase; ``text`` the line, cleaned and cut; ``captured`` what the pattern's named groups
    caught; ``role`` fatal, warning, aftermath or context (model/signature.py has the meanings); ``mark`` the part of
    ``text`` that matched, as the offsets of its first character and of the one after its last. ``said``: what stands in the
    text itself where ``text`` is a translation of it, with its own mark.
    """

    signature: str
    role: str
    says: str
    text: str
    position: Position
    captured: Mapping[str, str]
    mark: tuple[int, int] | None = None
    said: tuple[str, tuple[int, int] | None] | None = None

    @property
    def quotation(self) -> tuple[str, tuple[int, int] | None]:
        """What is quoted, letter by letter, and its mark."""
        return self.said or (self.text, self.mark)


@record
class Pointer:
    """A cause that a complaint points at: ``sure`` is the share of such texts in which it is the cause (0 to 1)."""

    cause: str
    sure: float


@record
class Seen:
    """Everything that a text told: its complaints in the order of their lines, and the facts that it states or that follow."""

    complaints: tuple[Complaint, ...]
    facts: Mapping[str, Fact[Any]]

    def value(self, name: str) -> Any:
        """The value of a fact; None where it is unknown or there is none."""
        fact = self.facts.get(name)
        return fact.value if isinstance(fact, Known) else None

    def first(self, *signatures: str) -> Complaint | None:
        """The first complaint of any of these signatures."""
        return next((complaint for complaint in self.complaints if complaint.signature in signatures), None)

    def has(self, *signatures: str) -> bool:
        """Whether any of these signatures was recognised."""
        return self.first(*signatures) is not None

    def captured(self, group: str, *signatures: str) -> str:
        """What a named group caught in the first complaint of these signatures (of any, if none is named) that has it."""
        for complaint in self.complaints:
            if (not signatures or complaint.signature in signatures) and complaint.captured.get(group):
                return complaint.captured[group]
        return ""

    @property
    def os(self) -> str:
        """``linux``, ``windows``, ``macos``; empty where the text does not tell."""
        machine = self.value("machine")
        return machine.os if machine else ""

    def package(self, name: str) -> str:
        """The version of an installed package; empty where the text names none."""
        packages = self.value("packages")
        return (packages.version(name) or "") if packages else ""


@record
class Advice:
    """What is answered to a cause of which only a text tells: the finding without its evidence."""

    subject: str
    summary: str
    remedies: tuple[Remedy, ...] = ()
    wont_help: tuple[WontHelp, ...] = ()
    decide_by: tuple[tuple[str, ...], ...] = ()
    severity: Severity = Severity.BLOCKER
