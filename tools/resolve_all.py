"""Resolve every build of torch that the package index serves, in every Python, with its companions.

    .venv/bin/python -m tools.resolve_all [--platform linux-x86_64] [--torch 2.14.1] [--write]

Nothing is installed: uv resolves torch with the torchvision and torchaudio that belong to it, for that Python and that
platform, with the configured index. ``--write`` puts the table into docs/measurements.md.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from torchsmith.act import resolve, tools
from torchsmith.choose import catalogue
from torchsmith.knowledge import approaches, companions
from torchsmith.model.choice import Candidate, Option, Pin, Place
from torchsmith.model.versions import key

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADING = "## Every build on the package index, resolved"
MEASUREMENTS = Path(__file__).parents[1] / "docs" / "measurements.md"


def installable(platform: str) -> Iterator[Candidate]:
    """What the package index serves for a platform."""
    for candidate in catalogue.candidates(platform):
        if candidate.channel == "wheel" and candidate.default and candidate.evidence != "announced":
            yield candidate


def option(candidate: Candidate) -> Option:
    """The build from the default index, with the companions that belong to its release."""
    belonging = companions.for_torch(candidate.torch)
    names = (("torchvision", belonging.torchvision), ("torchaudio", belonging.torchaudio)) if belonging else ()
    uv = next(approach for approach in approaches.every() if approach.name == "uv")
    return Option(1, uv, candidate, None, tuple(Pin(*each) for each in (("torch", candidate.torch), *names)), (), 0.0)


def outcome(told: resolve.Resolution) -> str:
    """One word for the table."""
    return "no" if told.problem else "yes" if told.checked else "unchecked"


def main() -> int:
    """Resolve and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platform", default="linux-x86_64", choices=sorted(resolve.PLATFORMS))
    parser.add_argument("--torch", default="", help="this release alone")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found: dict[tuple[str, str], dict[str, str]] = {}
    said: dict[str, list[str]] = {}
    begun = time.perf_counter()
    for candidate in installable(options.platform):
        if options.torch and candidate.torch != options.torch:
            continue
        told = resolve.check(option(candidate), Place("linux", "bash"))
        found.setdefault((candidate.torch, candidate.build), {})[candidate.python] = outcome(told)
        if told.problem or not told.checked:
            said.setdefault(told.problem or told.why, []).append(f"{candidate.torch} on {candidate.python}")
        print(f"{candidate.version} {candidate.python}: {outcome(told)} {told.problem or told.why}", file=sys.stderr)
    text = page(found, said, time.perf_counter() - begun, options.platform)
    print(text)
    if options.write:
        rest = re.sub(rf"(?ms)^{re.escape(HEADING)}$.*?(?=^## |\Z)", "", MEASUREMENTS.read_text()).rstrip()
        MEASUREMENTS.write_text(f"{rest}\n\n{text}")
    return int(any("no" in of.values() for of in found.values()))


def page(found: dict[tuple[str, str], dict[str, str]], said: dict[str, list[str]], seconds: float, platform: str) -> str:
    """The section of docs/measurements.md."""
    pythons = sorted({python for of in found.values() for python in of}, key=lambda python: (key(python.rstrip("t")), python))
    counts = {word: sum(list(of.values()).count(word) for of in found.values()) for word in ("yes", "no", "unchecked")}
    lines = [
        HEADING,
        "",
        f"`python -m tools.resolve_all --write` with {tools.find('uv')}, {platform}: torch with its torchvision and torchaudio,",
        f"resolved for each Python that has a wheel. {counts['yes']} resolve, {counts['no']} do not, {counts['unchecked']} could",
        f"not be checked; {seconds:.0f} s.",
        "",
        f"| torch | build | {' | '.join(pythons)} |",
        f"| --- | --- |{' --- |' * len(pythons)}",
    ]
    for (torch, build), of in found.items():
        lines.append(f"| {torch} | {build} | {' | '.join(of.get(python, '') for python in pythons)} |")
    lines += ["", *(f"- {', '.join(where)}: {' '.join(why.split())}" for why, where in said.items())]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
