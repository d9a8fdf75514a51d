"""One target under atheris, until libFuzzer ends: ``python -m tests.fuzz.guided TARGET FOUND [libFuzzer's arguments]``.

A fault does not end it: the smallest input of each kind and place is kept in FOUND, and the run goes on.
"""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-untyped]

# Not instrumented: loops over thousands of literals; what they compare tells the fuzzer nothing and costs most of the time.
with atheris.instrument_imports(
    include=["torchsmith.binaries", "torchsmith.intake", "torchsmith.engine"],
    exclude=["torchsmith.intake.signatures"],
    enable_loader_override=False,
):
    from tests.fuzz.targets import TARGETS, Target, warm
from tests.fuzz.judge import Fault, judged, smallest
from tests.fuzz.mutate import mutated


def main() -> None:
    _, name, found, *arguments = sys.argv
    target = TARGETS[name]
    warm(name)
    again = shlex.join([sys.executable, "-m", "tests.fuzz.guided", name, found])  # libFuzzer starts itself anew to merge a corpus
    atheris.Setup([again, *arguments], _one(target, Path(found)), custom_mutator=_mutator(target))
    atheris.Fuzz()


def _one(target: Target, found: Path) -> Callable[[bytes], None]:
    kept: dict[str, int] = {}

    def one(data: bytes) -> None:
        fault = judged(target.read, data)
        if fault is not None and len(data) < kept.get(fault.name, 1 << 30):
            kept[fault.name] = len(data)
            keep(found, fault, smallest(target.read, data, fault))

    return one


def keep(found: Path, fault: Fault, data: bytes) -> None:
    """Write the input and what it does; an earlier, shorter one stays."""
    path = found / fault.name
    if not path.exists() or path.stat().st_size > len(data):
        found.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.with_name(f"{path.name}.txt").write_text(fault.report, encoding="utf-8")


def _mutator(target: Target) -> Callable[[bytes, int, int], bytes]:
    """Half of the damage by libFuzzer, which knows what was compared, half by ours, which knows the format."""
    others = list(target.seeds)

    def mutate(data: bytes, limit: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.5:
            return bytes(atheris.Mutate(data, limit))
        if random.random() < 0.02:
            others[random.randrange(len(others))] = data
        made = mutated(data, random, limit, target.words, random.choice(others))
        return target.mend(made) if target.mend and random.random() < 0.8 else made

    return mutate


if __name__ == "__main__":
    main()
