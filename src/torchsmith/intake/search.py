"""Which lines of a large log complain, and which the formats will want to see: candidates first, then the full patterns.

A line that matches a signature holds one of its texts, and each text holds a needle (knowledge/load_needles.py). Needles that
stand in many lines of this log for nothing give way to the texts that they stand for; a text that does, to nothing. What such
texts would have told, and what is told in ordinary words, is looked for in the excerpt only.
"""

from __future__ import annotations

import re

from torchsmith.intake import text
from torchsmith.intake.clue import Line, pieces
from torchsmith.intake.decoding import decode
from torchsmith.intake.signatures import KEPT, complaint, read
from torchsmith.knowledge import signatures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torchsmith.intake.finders import Fast, Plain
    from torchsmith.model.complaint import Complaint

SAID = 400
"""Characters of the longest line in which what was put aside is looked for: no compiler's command line."""
PATIENCE = 400
"""Lines that are looked at for nothing before some needles give way."""
RARE = 20_000
"""Bytes of the log for which one such line more is allowed."""
HOT = 20
"""Lines of these that make a needle give way."""
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
# What cleaning makes other words of (intake/localized.py): such a line is looked at in any case.
_TOLD = ("winerror", "das angegebene")


class Search:
    """Signatures that still want complaints, the texts by which their lines are found, and what was found."""

    def __init__(self, finder: type[Fast | Plain]) -> None:
        from torchsmith.knowledge.compiled.needles import GROUPS, NEEDLES, PARTLY

        self._make = finder
        self._every = signatures.every()
        self._kept = [0] * len(self._every)
        self._last: dict[int, int] = {}
        self._found: list[tuple[int, int, int, Complaint]] = []
        self._triggered = dict.fromkeys(TRIGGERS, 0)
        self._wanting: dict[str, list[int]] = {}
        self._groups = [GROUPS.get(signature.id, ()) for signature in self._every]
        self._partly = frozenset(PARTLY)
        for index, group in enumerate(self._groups):
            for literal in group:
                self._wanting.setdefault(literal, []).append(index)
        self._needles: dict[str, tuple[str, ...]] = {text: (text,) for text in (*TRIGGERS, *_TOLD)}
        for needle, literals in NEEDLES.items():
            self._needles[needle] = (*self._needles.get(needle, ()), *literals)
        self._patience = PATIENCE
        self._wasted: dict[str, int] = {}
        self._looked = self._read = 0
        self._take()

    def _take(self) -> None:
        """Take the needles of literals of which more is wanted."""
        self._plan = {
            needle.encode(): wanted
            for needle, literals in self._needles.items()
            if (wanted := tuple(literal for literal in literals if self._wanted(literal)))
        }
        self._searched = {literal for literals in self._plan.values() for literal in literals}
        self._finder = self._make(list(self._plan))

    def _wanted(self, literal: str) -> bool:
        if literal in self._triggered:
            return self._triggered[literal] < KEPT
        return literal in _TOLD or any(self._kept[index] < KEPT for index in self._wanting.get(literal, ()))

    def complaints(self, excerpt: Sequence[Line]) -> tuple[Complaint, ...]:
        """What was found so far, in the order of the text; what was put aside is looked for in the excerpt."""
        order = {each.id: index for index, each in enumerate(self._every)}
        aside = {
            each.id
            for index, each in enumerate(self._every)
            if self._kept[index] < KEPT
            and (each.id in self._partly or not self._searched.issuperset(self._groups[index] or ("",)))
        }
        found = {(said.position.line, said.position.column, index): said for *_, index, said in self._found}
        if aside:
            taken = {(line, index) for line, _, index in found}
            for said in read(tuple(line for line in excerpt if len(line.text) <= SAID), aside):
                index = order[said.signature]
                if (said.position.line, index) not in taken:
                    found[said.position.line, said.position.column, index] = said
        kept = [0] * len(self._every)
        chosen = []
        for (_, _, index), said in sorted(found.items(), key=lambda each: each[0]):
            kept[index] += 1
            if kept[index] <= KEPT:
                chosen.append(said)
        return tuple(chosen)

    @property
    def fatal(self) -> int:
        """How many fatal complaints were found so far."""
        return sum(said.role == "fatal" for *_, said in self._found)

    def places(self, block: bytes) -> list[int]:
        """Places in a block whose lines must be looked at."""
        self._read += len(block)
        if self._looked >= self._patience + self._read // RARE:
            self._give_way()
        return self._finder.places(block)

    def look(self, raw: bytes, number: int, before: int = 0) -> set[str] | None:
        """Take the complaints of a line; the roles of the new ones, empty for a trigger, None for nothing.

        ``raw`` is the line as it stands in the log, or what follows after ``before`` bytes of a very long one.
        """
        roles: set[str] = set()
        hit = False
        starts: Iterable[int] = (0,) if len(raw) <= text.LINE_LIMIT else pieces(len(raw), text.LINE_LIMIT)
        for start in starts:
            for line in text.lines(decode(raw[start : start + text.LINE_LIMIT])):
                found = self._of(Line(number, line.text, before + start, line.said, line.dropped))
                roles |= found or set()
                hit = hit or found is not None
        return roles if hit else None

    def _of(self, line: Line) -> set[str] | None:
        lowered = line.text.lower()
        roles: set[str] = set()
        indexes: set[int] = set()
        present = []
        triggered = False
        for needle in self._finder.within(lowered.encode()):
            present.append(needle.decode())
            for literal in self._plan[needle]:
                if literal in lowered:
                    present.append(literal)
                    indexes.update(self._wanting.get(literal, ()))
                    if self._triggered.get(literal, KEPT) < KEPT:
                        self._triggered[literal] += 1
                        triggered = True
        for index in indexes:
            if self._kept[index] < KEPT and self._last.get(index) != line.number and (said := self._said(index, line)):
                self._found.append((said.position.line, said.position.column, index, said))
                self._kept[index] += 1
                self._last[index] = line.number
                roles.add(said.role)
        if roles or triggered:
            return roles
        self._looked += 1
        for vain in present:
            self._wasted[vain] = self._wasted.get(vain, 0) + 1
        return None

    def _said(self, index: int, line: Line) -> Complaint | None:
        signature = self._every[index]
        said = line.text[: text.LINE_LIMIT]
        matched = re.search(signature.pattern, said) if signature.may_match(said.lower()) else None
        return complaint(signature, line, matched) if matched else None

    def _give_way(self) -> None:
        """Needles that were found for nothing give way to their literals, and literals to nothing."""
        hot = {needle for needle, count in self._wasted.items() if count > HOT}
        kept = {needle: literals for needle, literals in self._needles.items() if needle not in hot}
        for needle in hot & self._needles.keys():
            for literal in self._needles[needle]:
                if literal not in hot:
                    kept[literal] = (*kept.get(literal, ()), literal)
        self._needles = kept
        self._patience += PATIENCE  # what does not help must not be tried for ever
        self._wasted, self._looked, self._read = {}, 0, 0
        self._take()
