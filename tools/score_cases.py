"""Score ``torchsmith explain`` on labelled cases: ``python -m tools.score_cases CASES.jsonl [--half a|b] [--misses]``.

A case is a JSON object with ``inputs`` (texts by kind), ``cause``, ``secondary_causes``, ``probe`` (no, helps, yes),
``negative``, ``group`` and ``source``. Its inputs are pasted as one text. Halves are split by the thread that a case comes
from, so that what is learned from one half can be measured on the other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torchsmith.app import check, explain

GUESS = 0.6
"""A cause that only the live machine proves must be told with less confidence than this."""
OPPOSITES = (
    {"cpu-only-build", "driver-too-old-for-cuda"},
    {"gpu-arch-not-in-build-too-new", "gpu-arch-dropped-too-old"},
)


class Score(NamedTuple):
    """One case and what was answered: the causes in order, the confidence of the first, the verdict."""

    case: dict[str, Any]
    causes: tuple[str, ...]
    confidence: float
    verdict: str
    decides: bool

    @property
    def strict(self) -> bool:
        """Whether the labelled cause comes first."""
        return self.causes[:1] == (self.case["cause"],)

    @property
    def lenient(self) -> bool:
        """Whether the labelled cause, or a secondary one, comes first."""
        return self.causes[0] in {self.case["cause"], *self.case["secondary_causes"]} if self.causes else False

    @property
    def top3(self) -> bool:
        """Whether the labelled cause is among the first three."""
        return self.case["cause"] in self.causes[:3]

    @property
    def humble(self) -> bool:
        """For a case that needs the machine: named, but no surer than a guess, with the command that decides."""
        return self.top3 and self.confidence < GUESS and self.decides

    @property
    def false_alarm(self) -> bool:
        """For a negative: the environment is blamed, be it as a guess."""
        harmless = {*check.NOT_ENVIRONMENT, check.HEALTHY, *self.case["secondary_causes"]}
        return self.verdict in {"blocked", "degraded"} or (bool(self.causes) and self.causes[0] not in harmless)

    @property
    def confused(self) -> bool:
        """The answer is the opposite of the label."""
        return bool(self.causes) and {self.causes[0], self.case["cause"]} in OPPOSITES and not self.lenient


def text_of(case: dict[str, Any]) -> str:
    """The inputs of a case as they would be pasted."""
    inputs = case["inputs"]
    parts = inputs.values() if isinstance(inputs, dict) else [inputs]
    return "\n\n".join(map(_pasted, parts)) + "\n"


def _pasted(part: Any) -> str:
    if isinstance(part, dict):  # environment variables, packages
        return "\n".join(f"{key}={value}" for key, value in part.items())
    return part if isinstance(part, str) else "\n".join(map(str, part))


def score(case: dict[str, Any]) -> Score:
    """Explain one case."""
    answer = explain.explain(text_of(case).encode())
    first = answer.root_causes[0] if answer.root_causes else None
    return Score(
        case,
        tuple(finding.cause for finding in answer.root_causes),
        first.confidence if first else 0.0,
        str(answer.verdict),
        bool(first and first.decide_by),
    )


def half_of(case: dict[str, Any]) -> str:
    """``a`` or ``b``, by the thread."""
    return "ab"[hashlib.sha256(case["source"].encode()).digest()[0] % 2]


def read(path: Path, half: str | None) -> list[dict[str, Any]]:
    """The cases of a file; of one half if one is named."""
    cases = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [case for case in cases if half is None or half_of(case) == half]


def share(part: Iterable[bool]) -> str:
    """``87 of 100 (87.0 %)``."""
    given = list(part)
    return f"{sum(given)} of {len(given)} ({100 * sum(given) / len(given):.1f} %)" if given else "none"


def summary(scores: Sequence[Score]) -> str:
    """The figures of all cases, and of each group."""
    negatives = [s for s in scores if s.case["negative"]]
    others = [s for s in scores if not s.case["negative"]]
    told = [s for s in others if s.case["probe"] != "yes"]
    machine = [s for s in others if s.case["probe"] == "yes"]
    humble = share(s.humble for s in machine)
    lines = [
        "cases that a text tells (probe no or helps)",
        f"    strict {share(s.strict for s in told)}, lenient {share(s.lenient for s in told)}",
        f"    among the first three {share(s.top3 for s in told)}",
        "cases that need the machine (probe yes)",
        f"    among the first three {share(s.top3 for s in machine)}, strict {share(s.strict for s in machine)}",
        f"    among the first three, below {GUESS}, with the deciding command {humble}",
        "negatives",
        f"    strict {share(s.strict for s in negatives)}, lenient {share(s.lenient for s in negatives)}",
        f"    false alarms {share(s.false_alarm for s in negatives)}",
        f"opposites confused (CPU build and driver, too new and too old): {sum(s.confused for s in scores)}",
        "",
        f"{'group':<32}{'cases':>6}{'strict':>8}{'lenient':>9}{'top 3':>7}",
    ]
    groups: dict[str, list[Score]] = defaultdict(list)
    for s in scores:
        groups[s.case["group"]].append(s)
    for group, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        counts = (sum(s.strict for s in members), sum(s.lenient for s in members), sum(s.top3 for s in members))
        lines.append(f"{group:<32}{len(members):>6}{counts[0]:>8}{counts[1]:>9}{counts[2]:>7}")
    return "\n".join(lines)


def reliability(scores: Sequence[Score]) -> str:
    """How often the first cause is right (leniently), by the confidence that it is told with."""
    bands: Counter[int] = Counter()
    right: Counter[int] = Counter()
    total: dict[int, float] = defaultdict(float)
    for s in scores:
        if s.causes:
            band = min(9, int(s.confidence * 10))
            bands[band] += 1
            right[band] += s.lenient
            total[band] += s.confidence
    lines = ["| confidence told | cases | mean confidence | right |", "| --- | --- | --- | --- |"]
    for band in sorted(bands, reverse=True):
        n = bands[band]
        lines.append(f"| {band / 10:.1f} to {(band + 1) / 10:.1f} | {n} | {total[band] / n:.2f} | {right[band] / n:.2f} |")
    return "\n".join(lines)


def misses(scores: Sequence[Score]) -> str:
    """Every case whose answer is not as labelled: what was wanted, what was told."""
    lines = []
    for s in scores:
        fine = s.humble if s.case["probe"] == "yes" and not s.case["negative"] else s.strict
        if not fine or (s.case["negative"] and s.false_alarm):
            told = f"{', '.join(s.causes[:3]) or 'nothing'} ({s.confidence:.2f}, {s.verdict})"
            also = f" or {', '.join(s.case['secondary_causes'])}" if s.case["secondary_causes"] else ""
            mark = "lenient" if s.lenient else "top 3" if s.top3 else "MISS"
            lines.append(f"{mark:<8}{s.case['id']:<22} probe {s.case['probe']:<6} {s.case['cause']}{also} <- {told}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--half", choices=("a", "b"), help="only the cases of these threads")
    parser.add_argument("--cause", action="append", default=[], help="only cases of this cause")
    parser.add_argument("--group", help="only cases of this group")
    parser.add_argument("--misses", action="store_true", help="list the cases that are not answered as labelled")
    parser.add_argument("--reliability", action="store_true", help="the table of confidence against truth")
    options = parser.parse_args(arguments)
    cases = read(options.cases, options.half)
    cases = [c for c in cases if (not options.cause or c["cause"] in options.cause) and options.group in {None, c["group"]}]
    scores = [score(case) for case in cases]
    print(summary(scores))
    if options.reliability:
        print("\n" + reliability(scores))
    if options.misses:
        print("\n" + misses(scores))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
