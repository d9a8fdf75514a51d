"""What the command line wishes for, as values."""

from __future__ import annotations

from torchsmith.knowledge import torch_builds
from torchsmith.knowledge.compiled.torch_builds import ROWS
from torchsmith.model import pep440
from torchsmith.model.choice import Requirement, Wishes
from torchsmith.model.errors import UsageError
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from torchsmith.app.question import Asked

_REQUIREMENT = pattern(
    r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]{0,80}[A-Za-z0-9])?)(?:\[[A-Za-z0-9,._-]{0,80}\])?\s*((?:[<>=!~]=?=?[^;@]{1,200})?)"
)
_CLAUSE = pattern(r"\s*(===|==|!=|<=|>=|~=|<|>)\s*([^\s,<>=!~]+)\s*")
_NAMED = pattern(r"torch\s*(?=[<>=!~+])")
_BUILD = pattern(r"\+?(cpu|xpu|cu\d{2,4}|rocm\d[\d.]{0,8})")
_SERIES = pattern(r"v?(\d{1,4}(?:\.\d{1,4})?|\d{1,4}\.\d{1,4}\.\d{1,4}(?=\.[*x]))(?:\.[*x])?(\+[a-z0-9.]{2,20})?")
_LOOKS = "versions look like 2.9.1, 2.9, >=2.6,<2.9, 2.9.1+cu128 or +cpu"


def of(options: argparse.Namespace | Asked) -> Wishes:
    """The wishes of a command line.

    Raises:
        UsageError: a requirement or a version that cannot be read.

    """
    needs = tuple(requirement(item, "--need") for item in options.need)
    given = [torch_specifier(options.torch.strip())] if options.torch.strip() else []
    given += [need.specifier for need in needs if need.name == "torch" and need.specifier]
    return Wishes(
        options.goal,
        tuple(need for need in needs if need.name != "torch"),
        tuple(requirement(item, "--keep") for item in options.keep),
        ",".join(dict.fromkeys(given)),
        not options.no_admin,
        options.offline,
    )


def torch_specifier(text: str) -> str:
    """``--torch``: versions as PEP 440 writes them, a series (``2.9`` means any 2.9), a build (``+cu128``), or both.

    Raises:
        UsageError: they cannot be read, or name a build that there never was.

    """
    wanted = _NAMED.sub("", text, count=1)
    build, series = _BUILD.fullmatch(wanted.lower()), _SERIES.fullmatch(wanted.lower().replace(" ", ""))
    if build:
        written = f"+{build[1]}"
    elif series:
        written = f"=={series[1]}.*{series[2] or ''}"
    else:
        written = _with_labels(wanted, text)
    for clause in written.split(","):
        label = clause.partition("+")[2].lower()
        if label and label not in {row[1] for row in ROWS}:
            near = torch_builds.nearest_builds(label)
            raise UsageError(
                f"torch was never built as `{label[:40]}`" + (f"; the nearest are {', '.join(near)}" if near else "")
            )
    return written


def _with_labels(wanted: str, text: str) -> str:
    """Clauses of which those with a build say ``==``; ``==2.9.*+cu128`` is more than PEP 440 allows, and plain enough."""
    clauses = []
    for part in wanted.split(","):
        base, plus, label = part.partition("+")
        starred = plus and base.rstrip().endswith(".*") and "==" in base
        if plus and not starred and "==" not in base and not pep440.is_version(base.strip()):
            raise UsageError(f"`--torch {text[:100]}`: a build goes with one version or series, as in 2.9.1+cu128 or 2.9+cu128")
        clauses.append(
            f"{specifier(base, '--torch')}+{label.strip()}" if starred else specifier(part, "--torch") if part.strip() else ""
        )
    if not any(clauses):
        raise UsageError(f"`--torch {text[:100]}`: {_LOOKS}")
    return ",".join(filter(None, clauses))


def requirement(text: str, where: str) -> Requirement:
    """``whisperx==3.4.2`` as a name and its versions.

    Raises:
        UsageError: it is not written like one.

    """
    found = _REQUIREMENT.fullmatch(text)
    if not found:
        raise UsageError(f"`{where} {text}` is no requirement; write a package and its versions, as in whisperx==3.4.2")
    name = found[1].lower().replace("_", "-").replace(".", "-")
    return Requirement(name, specifier(found[2].strip(), where) if found[2].strip() else "", where)


def specifier(text: str, where: str) -> str:
    """Versions as PEP 440 writes them; a bare version means that one.

    Raises:
        UsageError: they cannot be read.

    """
    if pep440.is_version(text):
        return f"=={text.strip().removeprefix('v')}"
    parts = [part for part in text.split(",") if part.strip()]
    for part in parts or [text]:
        clause = _CLAUSE.fullmatch(part)
        wanted = clause[2].removesuffix(".*") if clause else ""
        if not clause or not pep440.is_version(wanted):
            raise UsageError(
                f"`{where} {text[:100]}`: {_LOOKS if where == '--torch' else 'versions look like 2.9.1, >=2.6 or >=2.6,<2.9'}"
            )
        if clause[2].endswith(".*") and clause[1] not in {"==", "!="}:
            raise UsageError(f"`{where} {text[:100]}`: `.*` goes with == and != only")
        if clause[1] == "~=" and "." not in wanted:
            raise UsageError(f"`{where} {text[:100]}`: ~= needs two numbers, as in ~=2.6")
    return ",".join("".join(part.split()) for part in parts)
