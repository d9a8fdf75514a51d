"""Which lines of a large log complain, and which the formats will want to see: candidates first, then the full patterns."""

from __future__ import annotations

import re

from torchsmith.intake import needles, text
from torchsmith.intake.clue import Line, pieces
from torchsmith.intake.decoding import decode
from torchsmith.intake.signatures import KEPT, complaint
from torchsmith.knowledge import signatures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.intake.needles import Fast, Plain
    from torchsmith.model.complaint import Complaint

PATIENCE = 2000
"""Lines that were looked at for nothing before other needles are taken."""
# Text in the formats' own words, rare elsewhere; the lines around it are kept for them.
TRIGGERS = (
    *("pytorch version", "collecting environment information", "cuda used to build pytorch", "nvidia driver version"),
    *("torch.__version__", "torch.version.cuda", "torch.cuda.is_available", "not compatible with the current pytorch"),
    *("supports cuda capabilities", "which is of cuda capability", "driver on your system is too old", "found no nvidia driver"),
    *("torch not compiled with cuda", "cudagetdevicecount", "nvidia-smi", "driver version", "cuda version:"),
    *("failed to initialize nvml", "no devices were found", "unable to determine the device handle", "gpu 0: "),
    *("package  ", "torch==", "collecting torch", "successfully installed", "requirement already satisfied: torch"),
    *("would install", "which is incompatible", "packages in environment", "pytorch-cuda", "the following packages will be"),
    *("cuda_home=", "cuda_visible_devices", "ld_library_path", "torch_cuda_arch_list", "nvrm: ", "cuda compilation tools"),
    *("[tool.poetry", "[tool.uv", "[project]", "from nvidia/cuda", "microsoft-standard-wsl", "-tegra"),
)
# Words from which cleaning may make a literal that is not there (intake/localized.py).
_TOLD = ("winerror", "das angegebene")


class Search:
    """Signatures that still want complaints, the needles that stand for them, and what was found."""

    def __init__(self, finder: type[Fast | Plain]) -> None:
        self._make = finder
        self._every = signatures.every()
        self._patterns: dict[int, re.Pattern[str]] = {}
        self._kept = [0] * len(self._every)
        self._found: list[tuple[int, int, int, Complaint]] = []
        self._triggered = dict.fromkeys(TRIGGERS, 0)
        self._wasted: dict[bytes, int] = {}
        self._avoid: set[bytes] = set()
        self._patience = PATIENCE
        self._plan: list[tuple[str, tuple[str, ...]]] = []
        self._finder: Fast | Plain | None = None
        self._last: dict[int, int] = {}
        self._wanting: dict[str, list[int]] = {}
        for index, signature in enumerate(self._every):
            for literal in signature.literals:
                self._wanting.setdefault(literal, []).append(index)

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """What was found so far, in the order of the text."""
        return tuple(found[-1] for found in sorted(self._found, key=lambda found: found[:3]))

    def starts(self, low: bytes) -> list[int]:
        """Places in a block (in lower case) whose lines must be looked at."""
        if self._finder is None:
            self._replan(low)
        assert self._finder
        return self._finder.starts(low)

    def look(self, raw: bytes, number: int, before: int = 0) -> set[str] | None:
        """Take the complaints of a line; the roles of the new ones, empty for a trigger, None for nothing.

        ``raw`` is the line as it stands in the log, or what follows after ``before`` bytes of a very long one.
        """
        roles: set[str] = set()
        hit = False
        starts = (0,) if len(raw) <= text.LINE_LIMIT else pieces(len(raw), text.LINE_LIMIT)
        for start in starts:
            for line in text.lines(decode(raw[start : start + text.LINE_LIMIT])):
                found = self._of(Line(number, line.text, before + start))
                roles |= found or set()
                hit = hit or found is not None
        return roles if hit else None

    def _of(self, line: Line) -> set[str] | None:
        lowered = line.text.lower()
        roles: set[str] = set()
        present = [(needle, literals) for needle, literals in self._plan if needle in lowered]
        indexes: set[int] = set()
        triggered = False
        for _, literals in present:
            for literal in literals:
                if literal in lowered:
                    indexes.update(self._wanting.get(literal, ()))
                    if self._triggered.get(literal, KEPT) < KEPT:
                        self._triggered[literal] += 1
                        triggered = True
        for index in indexes:
            if (role := self._match(index, line)) is not None:
                roles.add(role)
        if roles or triggered:
            return roles
        for needle, _ in present:
            self._wasted[needle.encode()] = self._wasted.get(needle.encode(), 0) + 1
        return None

    def _match(self, index: int, line: Line) -> str | None:
        if self._kept[index] >= KEPT or self._last.get(index) == line.number:
            return None
        signature = self._every[index]
        if not signature.may_match(line.text.lower()):
            return None
        if index not in self._patterns:
            self._patterns[index] = re.compile(signature.pattern)
        matched = self._patterns[index].search(line.text[: text.LINE_LIMIT])
        if matched is None:
            return None
        said = complaint(signature, line, matched)
        self._found.append((said.position.line, said.position.column, index, said))
        self._kept[index] += 1
        self._last[index] = line.number
        return signature.role

    def reconsider(self, low: bytes) -> None:
        """Take other needles if too many lines were looked at for nothing; ``low`` is the block in which that was noticed."""
        if sum(self._wasted.values()) < self._patience:
            return
        self._avoid |= {needle for needle, count in self._wasted.items() if count > self._patience // 20}
        self._patience *= 2  # where nothing better is found, the search for it must not cost more than it saves
        self._replan(low)

    def _replan(self, low: bytes) -> None:
        self._wasted = {}
        plan = needles.cover((literal.encode() for literal in self._literals()), low, self._avoid)
        self._plan = [(needle.decode(), tuple(literal.decode() for literal in own)) for needle, own in plan.items()]
        self._finder = self._make(list(plan))

    def _literals(self) -> Iterator[str]:
        """Those of which more is wanted."""
        for literal, indexes in self._wanting.items():
            if any(self._kept[index] < KEPT for index in indexes):
                yield literal
        yield from (trigger for trigger, count in self._triggered.items() if count < KEPT)
        yield from _TOLD
