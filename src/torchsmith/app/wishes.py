"""What the command line wishes for, as values."""

from __future__ import annotations

from torchsmith.model import pep440
from torchsmith.model.choice import Requirement, Wishes
from torchsmith.model.errors import UsageError
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_REQUIREMENT = pattern(
    r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]{0,80}[A-Za-z0-9])?)(?:\[[A-Za-z0-9,._-]{0,80}\])?\s*((?:[<>=!~]=?=?[^;@]{1,200})?)"
)
_CLAUSE = pattern(r"\s*(===|==|!=|<=|>=|~=|<|>)\s*([^\s,]+)\s*")


def of(options: argparse.Namespace) -> Wishes:
    """The wishes of a command line.

    Raises:
        UsageError: a requirement or a version that cannot be read.

    """
    return Wishes(
        options.goal,
        tuple(requirement(item, "--need") for item in options.need),
        tuple(requirement(item, "--keep") for item in options.keep),
        specifier(options.torch.strip(), "--torch") if options.torch.strip() else "",
        not options.no_admin,
        options.offline,
    )


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
        return f"=={text}"
    for part in text.split(","):
        clause = _CLAUSE.fullmatch(part)
        wanted = clause[2].removesuffix(".*") if clause else ""
        if not clause or not pep440.is_version(wanted):
            raise UsageError(f"`{where} {text}`: versions look like 2.9.1, >=2.6 or >=2.6,<2.9")
    return "".join(text.split())
