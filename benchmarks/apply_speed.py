"""What ``torchsmith apply`` adds to the installer, on a real CUDA environment: clone, fingerprint, relocation, exchange, undo.

    .venv/bin/python -m benchmarks.apply_speed [--repeat N] [--without-apply]

The laboratory's CUDA environment, its Python compiled as pip leaves it, is what is live. Each part alone,
then a whole ``apply`` that installs torch again by uv out of its cache, by hard links and by copies, beside the same command on
the bare environment, in turn, and the ``undo`` of each. Seconds are wall time, CPU that of this process and its children: on a
busy machine the second is the one to compare. New disk is what no file of the live tree takes already.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.lab import environments
from tests.lab.cache import scratch
from tests.lab.tools import uv

from torchsmith.act import clone, exchange, relocate, store, transaction, undoing, verify
from torchsmith.act.watch import Silent
from torchsmith.model.transaction import Environment, Expected, Run, Transaction


class Sample(NamedTuple):
    """Wall and CPU seconds of one run."""

    wall: float
    cpu: float


class Phases(Silent):
    """Notes when each phase began."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float]] = []

    def phase(self, name: str) -> None:
        """A phase begins."""
        self.begun.append((name, time.perf_counter()))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--without-apply", action="store_true", help="the parts alone")
    asked = parser.parse_args()
    with scratch("apply-speed") as folder, live_environment(folder) as live:
        files, size = measured(live)
        print(f"{files} files, {size / 1e9:.1f} GB, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
        print("| part | wall s | CPU s | best wall s | limit |\n| --- | --- | --- | --- | --- |")
        copy = live.parent / ".torchsmith" / live.name / "run-1"
        copy.parent.mkdir(parents=True)
        parts(live, copy, asked.repeat)
        copy.parent.rmdir()
        if not asked.without_apply:
            print("\n| torch installed again | bare wall s | apply wall s | added s | of that CPU s | limit | undo s | limit |")
            print("| --- | --- | --- | --- | --- | --- | --- | --- |")
            for mode in ("hardlink", "copy"):
                whole(live, folder / "state", mode, asked.repeat)


@contextmanager
def live_environment(folder: Path) -> Iterator[Path]:
    """A copy of the laboratory's environment, with compiled Python; its wheels stand in uv's cache."""
    prefix = folder / "app" / ".venv"
    prefix.parent.mkdir()
    kept = environments.cuda().prefix
    clone.clone(kept, prefix)
    relocate.adopt(prefix, kept)
    subprocess.run(
        [prefix / "bin" / "python", "-m", "compileall", "-q", "-j", "0", prefix / "lib"], check=False, stdout=sys.stderr
    )
    try:
        yield prefix
    finally:
        clone.remove(prefix)


def measured(tree: Path, apart_from: Path | None = None) -> tuple[int, int]:
    """Files of a tree, and bytes of the disk that they and its folders take, without those that another tree has, too."""
    taken = set() if apart_from is None else {(each.st_dev, each.st_ino) for each in _entries(apart_from)}
    found = {(each.st_dev, each.st_ino): each for each in _entries(tree)}
    new = [about for key, about in found.items() if key not in taken]
    return sum(1 for path in tree.rglob("*") if not path.is_dir()), sum(about.st_blocks * 512 for about in new)


def _entries(tree: Path) -> Iterator[os.stat_result]:
    yield tree.lstat()
    for path in tree.rglob("*"):
        yield path.lstat()


def parts(live: Path, copy: Path, repeat: int) -> None:
    """Each part alone, each time on a clone made anew."""
    found: dict[str, list[Sample]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        found.setdefault(name, []).append(sample(work))

    disk = 0
    for _ in range(repeat):
        timed("clone", lambda: clone.clone(live, copy))
        disk = measured(copy, live)[1]
        timed("snapshot of the live tree", lambda: clone.snapshot(live))
        seen = clone.snapshot(live)
        timed("fingerprint of the clone", lambda: clone.fingerprint(copy))
        timed("adopt", lambda: relocate.adopt(copy, live))
        timed("relocate, nothing new", lambda: relocate.relocate(copy, live))
        timed("live tree unharmed?", lambda: clone.damaged(seen, live, copy))  # noqa: B023
        timed("remove the clone, nothing new", lambda: clone.remove(copy))
        clone.clone(live, copy)
        seen = clone.snapshot(live)
        relocate.adopt(copy, live)
        install(copy, "copy")
        timed("relocate, torch new", lambda: relocate.relocate(copy, live))
        timed("live tree unharmed, torch new?", lambda: clone.damaged(seen, live, copy))  # noqa: B023
        timed("exchange, with fsync", lambda: exchange.exchange(live, copy))
        timed("exchange back", lambda: exchange.exchange(live, copy))
        timed("remove the clone, torch new", lambda: clone.remove(copy))
    limits = {"clone": "2 s", "exchange back": "1 s (undo)"}
    for name, samples in found.items():
        walls = [each.wall for each in samples]
        cpu = median(each.cpu for each in samples)
        print(f"| {name} | {median(walls):.3f} | {cpu:.3f} | {min(walls):.3f} | {limits.get(name, '')} |")
    print(f"| new disk of the clone | {disk / 1e6:.1f} MB | | | 50 MB |", flush=True)


def whole(live: Path, state: Path, mode: str, repeat: int) -> None:
    """The bare installer and ``apply``, in turn, with the way back of each apply."""
    version = next((live / "lib").glob("python3.*/site-packages/torch-*.dist-info")).name.removeprefix("torch-")
    version = version.removesuffix(".dist-info")
    bare, ours, back = [], [], []
    phases = Phases()
    for _ in range(repeat):
        bare.append(sample(lambda: install(live, mode)))
        change = Transaction(
            f"torch {version} again",
            Environment(str(live), str(live / "bin" / "python")),
            runs=(Run(command(live, mode), "install torch"),),
            expected=Expected(packages=(("torch", version),)),
            fingerprint=clone.fingerprint(live),
        )
        kept = store.Store(state)
        phases = Phases()
        ours.append(sample(lambda: succeeded(transaction.carry_out(change, kept, verify.verify, phases), "done")))  # noqa: B023
        phases.phase("end")
        back.append(sample(lambda: succeeded(undoing.undo(kept, None, verify.verify, Silent())[0], "undone")))  # noqa: B023
    one, other = (median(each.wall for each in samples) for samples in (bare, ours))
    cpu = median(each.cpu for each in ours) - median(each.cpu for each in bare)
    undo = median(each.wall for each in back)
    print(f"| uv, {mode} | {one:.2f} | {other:.2f} | {other - one:.2f} | {cpu:.2f} | {0.15 * one + 2:.2f} | {undo:.2f} | 1 |")
    steps = zip(phases.begun, phases.begun[1:], strict=False)
    print("\nthe last apply: " + ", ".join(f"{name} {after - at:.2f}" for (name, at), (_, after) in steps), flush=True)


def succeeded(outcome: object, status: str) -> None:
    """Figures of a run that failed are no figures."""
    if getattr(outcome, "status", "") != status:
        raise SystemExit(f"not {status}: {outcome}")


def command(prefix: Path, mode: str) -> tuple[str, ...]:
    """Torch again, out of uv's cache."""
    version = next((prefix / "lib").glob("python3.*/site-packages/torch-*.dist-info")).name.removeprefix("torch-")
    wanted = f"torch=={version.removesuffix('.dist-info')}"
    words = ("--offline", "--no-deps", "--reinstall-package", "torch", "--link-mode", mode)
    return (uv("apply"), "pip", "install", "-q", *words, "--python", str(prefix / "bin" / "python"), wanted)


def install(prefix: Path, mode: str) -> None:
    """The bare installer."""
    subprocess.run(command(prefix, mode), check=True, stdin=subprocess.DEVNULL)


def sample(work: Callable[[], object]) -> Sample:
    """One run, after what is to be written to the disk has been."""
    os.sync()
    before, begun = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - begun, os.times()
    return Sample(wall, sum(after[:4]) - sum(before[:4]))


if __name__ == "__main__":
    main()
