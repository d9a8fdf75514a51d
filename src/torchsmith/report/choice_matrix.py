"""The decision matrix: the approaches side by side, and, line by line, what each criterion gives."""

from __future__ import annotations

from torchsmith.knowledge import approaches
from torchsmith.report import choice_words
from torchsmith.report.escape import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Choice, Option
    from torchsmith.report.page import Page

ROWS = 10
"""So many approaches are compared without ``--all``."""
HEAD = ("", "approach", "torch", "GPU", "undo", "sure", "free", "keep", "apart", "min", "GB", "points")
MARKED = ("reversible", "reliability", "flexibility", "upkeep", "contained")
LEGEND = (
    "GPU: its code is native, compiled by the driver (jit), or the GPU is idle (no). ++ best, -- worst: undo reversible, "
    "sure reliable, free flexible, keep easy to keep up to date, apart touches little. GB: to download / on disk."
)
_COLOURS = {"++": "32", "--": "31"}


def table(page: Page, choice: Choice, *, every: bool) -> None:
    """The best build of every approach, a line each."""
    best = choice_words.best_of_each(choice)
    shown = best if every else best[:ROWS]
    rows = [HEAD, *(cells(choice, option) for option in shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    page.line("How the approaches compare, each with its best build")
    for place, row in enumerate(rows):
        padded = [
            _padded(page, cell, wide, right=column in {0, 9, 11}, mark=3 < column < 9 and place > 0)
            for column, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        page.line(" " + " ".join(padded))
    if len(shown) < len(best):
        page.line(f"  and {len(best) - len(shown)} more: --all")
    page.block(LEGEND, "  ")


def cells(choice: Choice, option: Option) -> tuple[str, ...]:
    """One line of the table."""
    gpu = choice_words.score(option, "native_gpu_code")
    spent = choice_words.score(option, "minutes")
    code = str(gpu.shown) if gpu else ""
    marks = [choice_words.score(option, name) for name in MARKED]
    return (
        f"{option.rank}.",
        option.approach.name,
        option.candidate.version,
        {"none is here": "-", "unknown": "?"}.get(code, code),
        *(choice_words.mark(found.worth) if found else "" for found in marks),
        str(spent.shown) if spent else "",
        "/".join(_gigabytes(option, name) for name in ("download_bytes", "disk_bytes")),
        f"{choice_words.points(choice, option):.1f}",
    )


def _gigabytes(option: Option, criterion: str) -> str:
    found = choice_words.score(option, criterion)
    return f"{found.shown / 1e9:.1f}" if found and isinstance(found.shown, int) else "?"


def _padded(page: Page, cell: str, width: int, *, right: bool, mark: bool) -> str:
    shown = page.paint(cell, _COLOURS[cell]) if mark and cell in _COLOURS else cell
    room = " " * (width - len(cell))
    return room + shown if right else shown + room


def whole(page: Page, choice: Choice) -> None:
    """Every criterion of the best option of every approach: what is shown, what it is worth, and the points that it gives."""
    names = approaches.titles()
    page.line("The matrix: worth x weight = points")
    for option in choice_words.best_of_each(choice):
        page.line(f"  {option.rank}. {option.approach.name}, torch {option.candidate.version}, Python {option.candidate.python}")
        for score in option.scores:
            if score.weight:
                title = names.get(score.criterion, score.criterion)
                sum_ = f"{score.worth:.2f} x {score.weight:>2g} = {score.worth * score.weight:>4.1f}"
                page.line(f"     {title:<18} {sum_}  {safe('not known' if score.shown is None else score.shown)}")
        page.line(f"     {'together':<18} {choice_words.points(choice, option):>16.1f}")
        if option.why:
            page.block(safe(option.why), "     ")
