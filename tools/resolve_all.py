"""Resolve every option that takes torch from the package index, in every Python, with the packages that come with it.

    .venv/bin/python -m tools.resolve_all [--platform linux-x86_64] [--torch 2.14.1] [--write]

Nothing is installed: uv resolves the packages of the option for that Python and that platform, with the configured index.
``--write`` puts the table into docs/measurements.md.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from torchsmith.act import resolve, tools
from torchsmith.app import asked, plan
from torchsmith.choose import catalogue, decide
from torchsmith.host.local import LocalHost
from torchsmith.model.choice import Place, Wishes
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace
from torchsmith.model.versions import key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.choice import Option

HEADING = "## Every option on the package index, resolved"
MEASUREMENTS = Path(__file__).parents[1] / "docs" / "measurements.md"


def installable(platform: str) -> Iterator[Option]:
    """What ``plan --all`` offers by uv from the package index, on a machine that has nothing yet, for each Python."""
    system, _, arch = platform.partition("-")
    machine = [f"os={system}", *((f"arch={arch.replace('arm64', 'aarch64')}",) if arch else ()), "gpu=none"]
    pythons = dict.fromkeys(candidate.python for candidate in catalogue.candidates(platform))
    for python in sorted(pythons, key=_python):
        host, assumed = asked.evidence(LocalHost(), None, None, [*machine, f"python={python}"])
        situation, _ = plan.look(host, assumed, Wishes())
        # Which GPU there is decides nothing that a resolver sees; without one no CUDA build would be an option.
        situation = replace(situation, gpus=Unknown("any"))
        for option in decide.decide(situation, every=True).options:
            if (option.approach.name, option.index, option.candidate.python) == ("pip", None, python):
                yield option


def _python(version: str) -> tuple[tuple[int, ...], bool]:
    return key(version.rstrip("t")), version.endswith("t")


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
    for option in installable(options.platform):
        candidate = option.candidate
        if options.torch and candidate.torch != options.torch:
            continue
        # By uv, so that no configuration of pip makes another build of it.
        told = resolve.check(replace(option, approach=replace(option.approach, name="uv")), Place("linux", "bash"))
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
    pythons = sorted({python for of in found.values() for python in of}, key=_python)
    counts = {word: sum(list(of.values()).count(word) for of in found.values()) for word in ("yes", "no", "unchecked")}
    lines = [
        HEADING,
        "",
        f"`python -m tools.resolve_all --write` with {tools.find('uv')}, {platform}: every option of `plan --all` that takes",
        f"torch from the package index, with the packages that come with it, for each Python. {counts['yes']} resolve,",
        f"{counts['no']} do not, {counts['unchecked']} could not be checked; {seconds:.0f} s.",
        "",
        f"| torch | build | {' | '.join(pythons)} |",
        f"| --- | --- |{' --- |' * len(pythons)}",
    ]
    for (torch, build), of in sorted(found.items(), key=lambda pair: key(pair[0][0])):
        lines.append(f"| {torch} | {build} | {' | '.join(of.get(python, '') for python in pythons)} |")
    lines += ["", *(f"- {', '.join(where)}: {' '.join(why.split())}" for why, where in said.items())]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
