"""``plan --trial`` for a person: what it would do, and both environments side by side."""

from __future__ import annotations

from textwrap import wrap

from torchsmith.report.escape import safe
from torchsmith.report.words import decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.trial import Measured, Preview, Trial

_HEADS = {
    "works": "The candidate works.",
    "fails": "The candidate does not work as planned.",
    "not-built": "The candidate could not be built.",
    "declined": "No trial was made.",
    "nothing-to-try": "There is nothing to try.",
    "unable": "No trial could be made.",
}
_ROWS = (
    ("import torch", "import_seconds", "s", False),
    ("matrix product, CPU", "cpu_gflops", "GFLOP/s", True),
    ("memory copy, CPU", "cpu_copy_gbs", "GB/s", True),
    ("matrix product, GPU", "gpu_gflops", "GFLOP/s", True),
    ("memory copy, GPU", "gpu_copy_gbs", "GB/s", True),
)
_BY = 12


def preview(wanted: Preview) -> str:
    """What a trial would do, before it is asked for consent."""
    candidate = wanted.option.candidate
    lines = [
        f"A trial of torch {candidate.version} for Python {candidate.python} beside the present environment:",
        f"  installs  {safe(' '.join(wanted.requirements))}",
        f"  from      {safe(wanted.option.index or 'the configured package index')}",
        f"  by        {safe(wanted.tool)}",
        f"  into      a folder of its own in {safe(wanted.folder)}, which is removed afterwards",
        f"  download  {decimal(wanted.download)}; free there: {decimal(wanted.free)}",
        "The present environment is run for comparison and not changed.",
    ]
    return "\n".join(lines) + "\n"


def render(report: Trial, width: int = 80) -> str:
    """The report."""
    return "\n".join(_lines(report, max(50, min(width, 110)))) + "\n"


def _lines(report: Trial, width: int) -> Iterator[str]:
    yield _HEADS.get(report.status, report.status)
    if report.problem:
        yield from wrap(safe(report.problem), width, initial_indent="  ", subsequent_indent="  ")
    if report.preview and report.seconds is not None:
        took = f"{safe(report.preview.tool)}, {report.seconds:.0f} s, {decimal(report.bytes_on_disk)} on disk"
        yield f"  Built by {took}; removed again." if report.status != "not-built" else f"  Given up ({took}); removed."
    if report.checks:
        yield ""
        for check in report.checks:
            yield f"  {'ok  ' if check.passed else 'FAIL'}  {safe(check.name)}: {safe(check.found)}"
    if report.candidate:
        yield ""
        yield from _table(report.present, report.candidate)


def _table(present: Measured | None, candidate: Measured) -> Iterator[str]:
    columns = [column for column in (present, candidate) if column is not None]
    heads = ["present", "candidate"] if present else ["candidate"]
    shown = [_name(column) for column in columns]
    wide = max(_BY, *(len(name) for name in shown)) + 2
    yield " " * 24 + "".join(f"{head:>{wide}}" for head in heads)
    yield f"  {'torch':<22}" + "".join(f"{name:>{wide}}" for name in shown)
    yield f"  {'Python':<22}" + "".join(f"{safe(column.python):>{wide}}" for column in columns)
    yield f"  {'threads':<22}" + "".join(f"{'-' if c.threads is None else c.threads:>{wide}}" for c in columns)
    for title, field, unit, more_is_better in _ROWS:
        values: list[float | None] = [getattr(column, field) for column in columns]
        if any(value is not None for value in values):
            cells = "".join(f"{'-' if value is None else _number(value) + ' ' + unit:>{wide}}" for value in values)
            yield f"  {title:<22}{cells}{_ratio(values, more_is_better)}"
    for column, head in zip(columns, heads, strict=True):
        if column.gpu:
            yield f"  GPU seen by the {head} torch: {safe(column.gpu)}"
        if column.error:
            yield f"  {head}: {safe(column.error)}"


def _name(column: Measured) -> str:
    label = "" if not column.build or "+" in column.torch else f"+{column.build}"
    return safe(f"{column.torch}{label}" if column.torch else "no torch")


def _ratio(values: list[float | None], more_is_better: bool) -> str:
    """How the candidate stands to the present one; differences below a tenth are noise."""
    if len(values) < 2 or not values[0] or not values[1]:
        return ""
    gain = values[1] / values[0] if more_is_better else values[0] / values[1]
    if 0.9 < gain < 1.1:
        return "   about the same"
    return f"   {gain:.1f} times as fast" if gain >= 1 else f"   {1 / gain:.1f} times slower"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
