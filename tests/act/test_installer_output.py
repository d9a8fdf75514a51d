"""What installers print, read: what stopped them and how far they are. The texts are those of uv 0.13.8 and pip 23.2 and 26.3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.act.installer_output import Progress, Reader, cause_of

UV_HASH = """\
Using Python 3.11.7 environment at: bv
Resolved 1 package in 47ms
error: Failed to download `torch==2.8.0+cu128`
  cause: Hash mismatch for `torch==2.8.0+cu128`

         Expected:
           sha256:0000"""
PIP_HASH = """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update
    torch==2.8.0+cu128 from http://127.0.0.1:34353/files/torch-2.8.0%2Bcu128-py3-none-any.whl:
        Expected sha256 0000
             Got        1683"""
UV_DOWN = """\
error: Request failed after 1 retry in 1.5s
  cause: Failed to fetch: http://me:secret@127.0.0.1:36039/simple/torch/
  cause: error sending request for url (http://127.0.0.1:36039/simple/torch/)
  cause: client error (Connect)
  cause: tcp connect error
  cause: Connection refused (os error 111)"""
PIP_DOWN = """\
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError("HTTPConnection(host='x', \
): Failed to establish a new connection: [Errno 111] Connection refused")': /simple/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.8.0+cu128 (from versions: none)
ERROR: No matching distribution found for torch==2.8.0+cu128"""
UV_PYTHON = """\
error: No solution found when resolving dependencies
  cause: Because torch==2.8.0+cu128 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you require \
torch==2.8.0+cu128, we can conclude that your requirements are unsatisfiable."""
UV_ABSENT = """\
error: No solution found when resolving dependencies
  cause: Because torch was not found in the package registry and you require torch==2.8.0+cu128, we can conclude that your \
requirements are unsatisfiable."""
UV_GUARDED = f"{UV_ABSENT}\n\nhint: An index URL (http://127.0.0.1/simple) could not be queried due to a lack of valid \
authentication credentials (401 Unauthorized)"
UV_CONFLICT = """\
error: No solution found when resolving dependencies
  cause: Because whisperx==3.4.2 depends on torch>=2.5.1 and you require torch==2.2.0+cu118, we can conclude that your \
requirements and whisperx==3.4.2 are incompatible."""
PIP_CUT = """\
  WARNING: Connection interrupted while downloading.
error: incomplete-download

× Download failed after 6 attempts because not enough bytes were received (397 kB/401 kB)
╰─> URL: http://127.0.0.1:34741/files/torch-2.8.0%2Bcu128-py3-none-any.whl

note: This is an issue with network connectivity, not pip."""
PIP_CLIMBS = """\
ERROR: For req: torch==2.8.0+cu128. The wheel '/x/torch.whl' has a file '/v/lib/../../../climbed.txt' trying to install \
outside the target directory '/v/lib/python3.11/site-packages'"""
UV_FULL = """\
error: Failed to install: torch-2.8.0+cu128-py3-none-any.whl (torch==2.8.0+cu128)
  cause: failed to hardlink file from /c to /v
  cause: No space left on device (os error 28)"""
UV_FULL_FETCH = """\
error: Failed to download `torch==2.8.0+cu128`
  cause: Failed to fetch: `http://127.0.0.1/torch.whl`
  cause: No space left on device (os error 28)"""
PROXY = "ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='x'): Max retries exceeded (Caused by \
ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed: 407 Proxy Authentication Required')))"
BUILD = "error: subprocess-exited-with-error\n\n× python setup.py egg_info did not run.\nerror: metadata-generation-failed"


@pytest.mark.parametrize(
    ("said", "kind", "line"),
    [
        (UV_HASH, "hash", "Hash mismatch for `torch==2.8.0+cu128`"),
        (PIP_HASH, "hash", "torch==2.8.0+cu128 from http://127.0.0.1:34353/files/"),
        (UV_DOWN, "network", "Failed to fetch: http://127.0.0.1:36039/simple/torch/ (Connection refused (os error 111))"),
        (PIP_DOWN, "network", "Connection refused"),
        (UV_PYTHON, "python", "no wheels with a matching Python ABI tag"),
        (UV_ABSENT, "missing", "Because torch was not found in the package registry"),
        (UV_GUARDED, "forbidden", "the index wants to know who asks"),
        (UV_CONFLICT, "conflict", "Because whisperx==3.4.2 depends on torch>=2.5.1"),
        (PIP_CUT, "network", "not enough bytes were received"),
        (PIP_CLIMBS, "archive", "the file is no sound wheel of this package"),
        (UV_FULL, "disk", "No space left on device"),
        (UV_FULL_FETCH, "disk", "No space left on device"),
        (PROXY, "network", "407 Proxy Authentication Required"),
        (BUILD, "build", "subprocess-exited-with-error"),
        ("OSError: [Errno 13] Permission denied: '/v/lib'", "permission", "Permission denied: '/v/lib'"),
        ("something that nobody has seen", "other", "something that nobody has seen"),
        ("", "other", "exit status 1"),
    ],
)
def test_what_stopped_an_installer(said: str, kind: str, line: str) -> None:
    found = cause_of(1, said.splitlines())
    assert found.kind == kind
    assert line in found.line
    assert "secret" not in found.line


def test_who_was_killed_says_by_what() -> None:
    assert cause_of(-9, []).line == "ended by signal 9"
    assert cause_of(-9, ["Collecting torch", "Downloading x"]).kind == "killed"
    assert cause_of(-7, ["OSError: [Errno 28] No space left on device"]).kind == "disk"


@given(st.lists(st.text(max_size=200), max_size=20), st.integers(-64, 255))
def test_whatever_is_printed_the_answer_is_one_short_line(lines: list[str], status: int) -> None:
    found = cause_of(status, lines)
    assert found.kind
    assert "\n" not in found.line
    assert len(found.line) <= 300


# ---- progress

UV = """\
Using Python 3.11.7 environment at: v
Resolved 3 packages in 4.34s
Downloading big (5.5MiB)
Downloading mid (2.5MiB)
 Downloaded mid
 Downloaded big
Prepared 3 packages in 2.92s"""
PIP_RAW = """\
Collecting big
  Downloading big-1.0-py3-none-any.whl (5.9 MB)
Progress 0 of 5871862
Progress 262144 of 5871862
Progress 5871862 of 5871862
Collecting small (from big)
  Downloading small-1.0-py3-none-any.whl (948 bytes)
Progress 948 of 948
Installing collected packages: small, mid, big"""
PIP_OLD = """\
  Downloading http://127.0.0.1:44147/pypi/big/big-1.0-py3-none-any.whl (5.9 MB)
     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 5.9/5.9 MB 2.0 MB/s eta 0:00:00
  Downloading http://127.0.0.1:44147/pypi/small/small-1.0-py3-none-any.whl (948 bytes)"""
POETRY = """\
Package operations: 1 install, 1 update, 1 removal

  - Removing nvidia-cublas-cu12 (12.8)
  - Installing filelock (3.20.0)
  - Updating torch (2.13.0 -> 2.8.0+cu128)"""

MIB = 1 << 20


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (UV, [(0, 5.5 * MIB), (0, 8 * MIB), (2.5 * MIB, 8 * MIB), (8 * MIB, 8 * MIB)]),
        (PIP_RAW, [(0, 5900000), (0, 5900000), (262144, 5900000), (5871862, 5900000), (5871862, 5900948), (5872810, 5900948)]),
        (PIP_OLD, [(0, 5900000), (5900000, 5900000), (5900000, 5900948)]),
    ],
    ids=["uv", "pip", "old pip"],
)
def test_the_bytes_of_all_files_that_were_named(said: str, told: list[tuple[float, float]]) -> None:
    reader = Reader()
    found = [progress for line in said.splitlines() if (progress := reader.heard(line))]
    assert found == [Progress(round(done), round(total), "bytes") for done, total in told]


def test_the_steps_of_poetry() -> None:
    reader = Reader()
    found = [progress for line in POETRY.splitlines() if (progress := reader.heard(line))]
    assert found == [Progress(number, 3, "steps") for number in range(4)]


LINES = st.one_of(
    st.text(max_size=80),
    st.sampled_from((UV + "\n" + PIP_RAW + "\n" + PIP_OLD + "\n" + POETRY).splitlines()),
    st.builds("Progress {} of {}".format, st.integers(-1, 10**16), st.integers(-1, 10**16)),
    st.builds("Downloading {} ({}MiB)".format, st.text(max_size=5), st.integers(0, 10**7)),
)


@given(st.lists(LINES, max_size=30))
def test_nothing_is_done_beyond_all_and_nothing_goes_back(lines: list[str]) -> None:
    reader = Reader()
    last = {"bytes": 0, "steps": -1}
    for line in lines:
        found = reader.heard(line)
        if found is not None and found.unit == "bytes":
            assert found.total is None or 0 <= found.done <= found.total
            assert found.done >= last["bytes"]
            last["bytes"] = found.done
