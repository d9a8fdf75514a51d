"""F04: a disk that is really full, at every fill from nothing free to nearly enough."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.ground import Ground

from torchsmith.model.errors import TryAgainError

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk takes root on Linux"),
    pytest.mark.slow,
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, free: int) -> Path:
    """A file that leaves so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        while (left := shutil.disk_usage(disk).free - free) > 0:
            try:
                file.write(bytes(min(left, 4096)))
                file.flush()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                break
    return ballast


@pytest.mark.parametrize("free", [0, 4096, 16384, 40960, 65536, 131072, 262144])
def test_full(disk: Path, free: int) -> None:
    ground = Ground(disk)
    asked = ground.transaction
    names = {path for path in ground.bench.root.rglob("*") if ".torchsmith" not in path.parts and "state" not in path.parts}
    ballast = fill(disk, free)
    try:
        outcome = ground.apply(asked)
        code, problem = outcome.exit_code, outcome.problem
    except TryAgainError as error:
        code, problem = error.exit_code, str(error)
    if code == 0:
        assert ground.new()
        return
    assert code == 75
    assert "space" in problem.lower()
    ground.old()
    ballast.unlink()
    ground.resume()
    left = {path for path in ground.bench.root.rglob("*") if ".torchsmith" not in path.parts and "state" not in path.parts}
    assert left == names
    assert not list(ground.bench.root.glob("project/.torchsmith/.venv/run-*"))
    assert ground.apply().status == "done"
    assert ground.new()
