"""Every reader over the kept corpus, and over fresh damage: what CI runs of the fuzzing that ``tools/nightly`` does at length."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.judge import HANG, Fault, judged, smallest
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import CORPUS, TARGETS, warm
from torchsmith.binaries.errors import BinaryError

LENGTH = 4096


def test_corpus_is_small_and_of_known_targets() -> None:
    kept = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in kept} <= set(TARGETS)
    assert sum(path.stat().st_size for path in kept) < 400_000


@pytest.mark.parametrize("name", TARGETS)
def test_kept(name: str) -> None:
    target = TARGETS[name]
    warm(name)
    for data in target.corpus(name):
        assert judged(target.read, data, HANG) is None


@pytest.mark.parametrize("name", TARGETS)
def test_damaged(name: str) -> None:
    target, random = TARGETS[name], Random(name)
    warm(name)
    files = target.corpus(name)
    for _ in range(target.damaged):
        data = mutated(random.choice(files), random, LENGTH, target.words, random.choice(files))
        if target.mend and random.random() < 0.8:
            data = target.mend(data)
        assert judged(target.read, data, HANG) is None, data.hex()


def test_seeds_are_read() -> None:
    """Damage to a file that was refused as a whole would show nothing."""
    for name in set(TARGETS) - {"torch_build", "inspected"}:
        for seed in TARGETS[name].seeds:
            TARGETS[name].read(seed)


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install '.[fuzz]' (Linux x86-64)")
def test_guided(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.guided",
        "elf",
        str(tmp_path / "found"),
        "-runs=2000",
        "-seed=1",
        str(CORPUS / "elf"),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "Done 2000 runs" in ended.stderr


# The judge itself: each promise, broken on purpose.


def _raises(data: bytes) -> None:
    if b"x" in data:
        raise ValueError("not ours")


def _grows(_: bytes) -> int:
    return len([bytes(1 << 20) for _ in range(200)])


def _hangs(_: bytes) -> None:
    while True:
        pass


def _opens(_: bytes) -> None:
    Path(__file__).open("rb").close()


def _starts(_: bytes) -> None:
    subprocess.run([sys.executable, "-c", ""], check=False)


def _answers(_: bytes) -> None:
    raise BinaryError("no such file")


LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are Linux's")


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (_raises, "ValueError"),
        pytest.param(_grows, "memory", marks=LINUX),
        pytest.param(_hangs, "slow", marks=LINUX),
        (_opens, "touched"),
        (_starts, "touched"),
        (_answers, None),
    ],
)
def test_judge(read: Callable[[bytes], object], kind: str | None) -> None:
    fault = judged(read, b"1x2", 0.2)
    assert (fault.kind if fault else None) == kind


def test_smallest() -> None:
    fault = judged(_raises, b"x")
    assert isinstance(fault, Fault)
    assert smallest(_raises, b"\1" * 1000 + b"x" + b"\2" * 300, fault) == b"x"
