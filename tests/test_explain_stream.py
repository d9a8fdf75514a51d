"""``torchsmith explain`` of files, pipes and growing logs, as real processes meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from torchsmith.host import stream

COMMAND = [sys.executable, "-m", "torchsmith", "explain"]
ERROR = "RuntimeError: CUDA error: device-side assert triggered\n"
CAUSE = "user-code-bug"
NOISE = "[{0}/99999] Building CXX object src/part{0}.cpp.o\n"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes and signals")


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, check=False, timeout=120)


def started(*arguments: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin
    assert child.stdout
    return child


def causes(document: bytes) -> list[str]:
    return [cause["cause"] for cause in json.loads(document)["root_causes"]]


def test_a_file_and_a_pipe_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("start\n" + ERROR)
    named, piped = run(str(file)), run("-", stdin=file.read_bytes())
    assert named.stdout == piped.stdout
    assert named.returncode == piped.returncode == 0
    assert CAUSE.encode() in named.stdout


@POSIX
def test_a_growing_log_is_answered_before_it_ends_and_only_once() -> None:
    child = started("-")
    assert child.stdin
    assert child.stdout
    child.stdin.write(b"step 1\n" + ERROR.encode())
    child.stdin.flush()
    os.set_blocking(child.stdout.fileno(), True)
    early = os.read(child.stdout.fileno(), 1 << 16)  # the input is still open
    assert CAUSE.encode() in early
    rest, complaint = child.communicate(b"and nothing more\n", timeout=60)
    assert rest == b""
    assert complaint == b""
    assert child.returncode == 0


@POSIX
def test_another_cause_at_the_end_is_told_too() -> None:
    child = started("-")
    assert child.stdin
    assert child.stdout
    child.stdin.write(ERROR.encode())
    child.stdin.flush()
    early = os.read(child.stdout.fileno(), 1 << 16)
    assert CAUSE.encode() in early
    more = b"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n" * 3
    rest, _ = child.communicate(more, timeout=60)
    document = run("-", "--json", stdin=ERROR.encode() + more).stdout
    assert (causes(document)[0] == CAUSE) == (rest == b"")


@POSIX
def test_json_is_one_document_at_the_end() -> None:
    child = started("-", "--json")
    assert child.stdin
    child.stdin.write(ERROR.encode())
    child.stdin.flush()
    time.sleep(2.5)
    child.stdin.write(b"more\n")
    output, _ = child.communicate(timeout=60)
    assert causes(output)[0] == CAUSE


@POSIX
@pytest.mark.parametrize("form", ["text", "json"])
def test_control_c_gives_the_answer_so_far(form: str) -> None:
    child = started("-", "--format", form)
    assert child.stdin
    child.stdin.write(ERROR.encode())
    child.stdin.flush()
    time.sleep(3)
    child.send_signal(signal.SIGINT)
    output, complaint = child.communicate(timeout=60)
    assert child.returncode == 130
    assert output.count(CAUSE.encode()) >= 1
    assert output.count(b"What says so") <= 1
    assert b"Traceback" not in complaint


@POSIX
def test_control_c_before_anything_came() -> None:
    child = started("-")
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    output, complaint = child.communicate(timeout=60)
    assert (child.returncode, output, complaint) == (130, b"", b"interrupted\n")


@POSIX
def test_a_reader_who_leaves_is_no_error() -> None:
    child = started("-")
    assert child.stdin
    assert child.stdout
    child.stdout.close()
    child.stdin.write(ERROR.encode())
    child.stdin.close()
    assert child.wait(60) == 0
    assert child.stderr
    with child.stderr as complaint:
        assert complaint.read() == b""


@pytest.mark.parametrize("name", ["file", "-"])
def test_a_large_log_with_the_error_in_the_middle(tmp_path: Path, name: str) -> None:
    noise = "".join(NOISE.format(number) for number in range(40_000)).encode()
    data = noise + ERROR.encode() + noise
    file = tmp_path / "log"
    file.write_bytes(data)
    ran = run(str(file) if name == "file" else "-", "--json", stdin=b"" if name == "file" else data)
    document = json.loads(ran.stdout)
    first = document["root_causes"][0]
    assert first["cause"] == CAUSE
    assert first["evidence"][0]["position"]["line"] == 40_001


# The peak that wait4 reports begins with that of the process that forked; this one is the program's own, in KiB.
MEASURED = [
    *(sys.executable, "-c"),
    (
        "import sys; from torchsmith.__main__ import main; sys.argv[0] = 'torchsmith'; sys.argv.insert(1, 'explain');"
        " code = main(); peak = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')];"
        " print(*peak, file=sys.stderr); sys.exit(code)"
    ),
]


@POSIX
def test_memory_stays_small(tmp_path: Path) -> None:
    file = tmp_path / "log"
    block = "".join(NOISE.format(number) for number in range(20_000)).encode()
    with file.open("wb") as into:
        for _ in range(24):
            into.write(block)
    child = subprocess.Popen([*MEASURED, str(file), "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, said = child.communicate()
    assert child.returncode in {0, 3}
    assert int(said.split()[-1]) < 150 * 1024


@POSIX
def test_a_line_of_200_megabytes_from_a_pipe() -> None:
    child = subprocess.Popen([*MEASURED, "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stdin
    piece = b"nothing in particular, and so on; " * 31_000
    for _ in range(200):
        child.stdin.write(piece)
    child.stdin.close()
    child.stdin = None
    _, said = child.communicate()
    assert child.returncode in {0, 3}
    assert int(said.split()[-1]) < 150 * 1024


def test_large_utf_16(tmp_path: Path) -> None:
    noise = "".join(NOISE.format(number) for number in range(20_000))
    file = tmp_path / "log"
    file.write_bytes((noise + ERROR + noise).encode("utf-16"))
    assert causes(run(str(file), "--json").stdout)[0] == CAUSE


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 9_000_000,
        b"\x1b[" * 1_500_000,
        b"\x1b]0;title" * 400_000,
        b"\n" * 3_000_000,
        b"\r" * 3_000_000,
        "\u202e\u200b ".encode() * 500_000,
        b"error: " * 500_000,
        b"a\0" * 1_000_000 + b"\n",
    ],
    ids=["one line", "escapes", "titles", "breaks", "returns", "invisible", "words", "utf-16"],
)
def test_much_of_nothing_ends_in_a_moment(data: bytes) -> None:
    begun = time.monotonic()
    ran = run("-", "--json", stdin=data)
    assert ran.returncode in {0, 2, 3}, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert time.monotonic() - begun < 60


def test_zeros_are_no_text() -> None:
    ran = run("-", stdin=b"\0" * 3_000_000)
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"error: ")


def test_a_folder(tmp_path: Path) -> None:
    ran = run(str(tmp_path))
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"is a folder" in ran.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ran = run(str(tmp_path / "missing"))
    assert ran.returncode == 2
    assert b"cannot be read" in ran.stderr


@POSIX
def test_closed_standard_input() -> None:
    ran = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *COMMAND, "-"], capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"standard input is closed" in ran.stderr


@POSIX
def test_a_named_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = subprocess.Popen([*COMMAND, str(pipe), "--json"], stdout=subprocess.PIPE)
    with pipe.open("wb") as file:
        file.write(ERROR.encode())
    assert causes(child.communicate(timeout=60)[0])[0] == CAUSE
    monkeypatch.setattr("torchsmith.host.files.WRITER_WAIT", 0.2)
    with pytest.raises(Exception, match="nobody writes"):
        stream.opened(str(pipe))


@POSIX
def test_a_file_that_grows_while_it_is_read_comes_to_an_end(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"line\n" * 100_000)
    with stream.opened(str(file)) as source, file.open("ab") as writer:
        size = 0
        while chunk := source.read(1):
            size += len(chunk)
            writer.write(b"more\n" * 200_000)
            writer.flush()
    assert size == 500_000
    assert not source.live


@POSIX
def test_idle_and_end_are_told_apart() -> None:
    out, into = os.pipe()
    source = stream.Input("pipe", out, lambda size: os.read(out, size), own=True)
    with source:
        assert source.live
        assert source.read(0.05) is None
        os.write(into, b"abc")
        assert source.read(5) == b"abc"
        os.close(into)
        assert source.read(5) == b""


@POSIX
def test_the_thread_of_windows_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    out, into = os.pipe()
    monkeypatch.setattr(sys, "platform", "win32")
    with stream.Input("pipe", out, lambda size: os.read(out, size), own=True) as source:
        assert source.read(0.05) is None
        os.write(into, b"abc")
        assert source.read(5) == b"abc"
        os.close(into)
        assert source.read(5) == b""
