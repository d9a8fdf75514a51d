"""Whether a model fits, for a person."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.report.escape import safe
from torchsmith.report.page import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.fit import Fit, ModelFit, Need

NARROW, WIDE = 40, 100
_WORDS = {"fits": "fits", "tight": "tight", "does-not-fit": "does not fit", "unknown": "not known"}
_COLOURS = {"fits": "32;1", "tight": "33;1", "does-not-fit": "31;1", "unknown": "33"}


def render(found: ModelFit, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """The verdict, each way to run it on each GPU, what would make it fit."""
    page = Page(max(NARROW, min(WIDE, width)), colour)
    page.block(f"torchsmith {__version__}: {safe(found.asked)}", "", "  ")
    page.line(page.paint(_headline(found), _COLOURS[found.verdict]))
    for room in found.rooms:
        page.block(f"{safe(room.gpu)}: {safe(room.basis)}", "  ", "    ")
    for need in found.needs:
        page.gap()
        _need(page, need, [fit for fit in found.fits if fit.need == need], verbose or len(found.needs) < 3)
    for title, texts in (("What would make it fit:", found.advice), ("Also:", (*(c.text for c in found.claims), *found.remarks))):
        if texts:
            page.gap()
            page.line(title)
            for text in texts:
                page.block(safe(text), "  - ", "    ")
    return page.text()


def _headline(found: ModelFit) -> str:
    told = {
        "fits": "It fits.",
        "tight": "It may fit: the low end of its range does, the high end does not.",
        "does-not-fit": "It does not fit." if found.rooms else "There is no GPU to fit it into.",
        "unknown": "Whether it fits cannot be told.",
    }
    return told[found.verdict]


def _need(page: Page, need: Need, fits: list[Fit], full: bool) -> None:
    use = "" if need.use == "inference" else f", {'adapter training' if need.use == 'lora' else need.use}"
    name = f"{safe(need.model)} in {need.number_type} with {need.implementation}{use}"
    page.block(f"{name}: {gib(need.low)} to {gib(need.high)} GiB", "", "  ")
    for verdict in dict.fromkeys(fit.verdict for fit in fits):
        names = ", ".join(dict.fromkeys(safe(fit.room.gpu) for fit in fits if fit.verdict == verdict))
        page.block(f"{_WORDS[verdict]}: {names}", "  ", "    ")
    if not full:
        return
    if need.parts and not need.measured:
        parts = "; ".join(f"{part.name} {_span(part.low, part.high)}" for part in need.parts)
        page.block(f"{parts} GiB", "  ", "    ")
    page.block(f"{safe(need.basis)}. Sources: {', '.join(need.sources)}", "  ", "    ")
    for note in need.notes:
        page.block(safe(note), "  ", "    ")


def gib(mib: int) -> str:
    """GiB with one digit."""
    return f"{mib / 1024:.1f}"


def _span(low: int, high: int) -> str:
    return gib(low) if gib(low) == gib(high) else f"{gib(low)}-{gib(high)}"
