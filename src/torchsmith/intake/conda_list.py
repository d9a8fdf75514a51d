"""``conda list``, the ``[conda]`` lines of collect_env, and ``name=version=build`` of ``conda env export``."""

from __future__ import annotations

from torchsmith.intake.clue import Clue, Line
from torchsmith.intake.pip_list import normal
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "conda list"
_BUILD = (
    r"(?:py\d[\d.]{0,5}_\S{1,80}|py\d{1,3}(?:h[0-9a-f]{5,})?_?\w{0,40}|h?[0-9a-f]{5,}_\w{1,20}|cuda\S{0,80}|cpu\S{0,60}|mkl\S{0,40}"
    r"|pypi_0|<pip>|\d{1,4}|\w{0,20}_\d{1,3})"
)
_ROW = pattern(
    rf"\s{{0,8}}(?P<mark>\[conda\] )?(?P<name>[a-z0-9_][a-z0-9._-]{{0,80}})\s{{1,60}}(?P<version>\d[\w.+!-]{{0,60}})"
    rf"(?:\s{{1,60}}(?P<build>{_BUILD})(?:\s{{1,40}}\[(?P<feature>\w{{1,20}})\])?(?:\s{{1,40}}(?P<channel>[\w/.:-]{{1,80}}))?"
    rf"|(?:\s{{1,60}}(?P<other>[\w/.-]{{1,80}}))?)\s{{0,8}}$"
)
_EXPORTED = pattern(r"\s{0,8}- (?P<name>[a-z0-9_][a-z0-9._-]{0,80})=(?P<version>\d[\w.]{0,40})=(?P<build>\w{1,80})$")
# A line of lsmod: a module, its size, who uses it.
_MODULE = pattern(r"(?:nvidia|nouveau|nova)\w{0,20}\s{1,40}\d{5,9}\s{1,8}\d{1,4}\b")
_HEADER = pattern(r"#\s{1,8}(?:packages in environment|Name\s{1,40}Version)")


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per record: name, version, build string, channel."""
    listed = False
    for line in lines:
        listed = listed or bool(_HEADER.match(line.text))
        matched = _ROW.match(line.text) or _EXPORTED.match(line.text)
        if not matched:
            continue
        parts = matched.groupdict()
        if not (listed or parts.get("mark") or parts.get("build")) or _MODULE.match(line.text):
            continue
        build, channel = parts.get("build") or "", parts.get("channel") or parts.get("other") or ""
        value = (
            normal(parts["name"]),
            parts["version"],
            "" if build == "<pip>" else build,
            channel,
            build in {"<pip>", "pypi_0"},
        )
        yield Clue("conda", value, "collect_env" if parts.get("mark") else FORM, line.number)
