"""``--from``: files, pipes with and without a writer, standard input. Real pipes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from torchsmith.host import files
from torchsmith.model.errors import UnreadableInputError

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
TEXT = b"torch 2.14.1\n"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_nobody_writes(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WRITER_WAIT", 0.2)
    with pytest.raises(UnreadableInputError, match="a named pipe that nobody writes"):
        files.read_input(str(pipe), 100)


def test_the_writer_comes_late(pipe: Path) -> None:
    def write() -> None:
        time.sleep(0.3)
        pipe.write_bytes(TEXT)

    writer = threading.Thread(target=write)
    writer.start()
    assert files.read_input(str(pipe), 100) == TEXT
    writer.join()


def test_the_writer_is_slow(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WRITER_WAIT", 0.2)

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for part in (TEXT[:3], TEXT[3:]):
                time.sleep(0.5)
                file.write(part)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.01)
    assert files.read_input(str(pipe), 100) == TEXT
    writer.join()


def test_a_pipe_is_bounded(pipe: Path) -> None:
    writer = subprocess.Popen(["sh", "-c", f"exec cat /dev/zero > '{pipe}'"], stderr=subprocess.DEVNULL)
    with pytest.raises(UnreadableInputError, match="holds more than"):
        files.read_input(str(pipe), 1 << 20)
    writer.wait()


@pytest.mark.parametrize("how", ["<(sleep 0.3; printf 'driver %s\\n')", "/dev/stdin", "-", "/dev/zero"])
def test_what_a_shell_gives(how: str) -> None:
    """Each reaches the end: nothing is recognised in that text, which is one clear error."""
    line = f"printf 'x\\n' | '{sys.executable}' -m torchsmith check --from {how}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert ("nothing in it is recognised" in done.stderr) or (how == "/dev/zero" and "holds more than" in done.stderr)
