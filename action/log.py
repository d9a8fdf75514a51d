"""The log of the job that failed, out of the archive of a run's logs. Its content is anybody's: it is read with limits."""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections import deque
from dataclasses import dataclass
from typing import IO

ARCHIVE = 64 << 20
"""Bytes of an archive that is downloaded."""
MEMBERS = 2_000
UNPACKED = 1 << 30
"""Bytes that are unpacked, over all members."""
TAIL = 8 << 20
"""Bytes of a log's end that are kept: what ended it stands there."""
_CHUNK = 1 << 20
_JOB = re.compile(r"(\d{1,5})_([^/\\]{1,200})\.txt")
_ERROR = b"##[error]"


_DAMAGED = (zlib.error, lzma.LZMAError)


class UnreadableLogError(Exception):
    """The archive is not what it should be."""


@dataclass(frozen=True)
class Log:
    """The end of a job's log; ``cut`` if there is more before it."""

    job: str
    text: bytes
    cut: bool


def of_failed_job(archive: IO[bytes]) -> Log:
    """The log of the first job in which the runner reports an error, else the first log.

    Raises:
        UnreadableLogError: no zip, none of GitHub's, damaged, or larger than the limits.

    """
    try:
        with zipfile.ZipFile(archive) as logs:
            return _first_failed(logs)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, *_DAMAGED) as error:
        raise UnreadableLogError(f"the archive of logs cannot be read: {type(error).__name__}") from None


def _first_failed(logs: zipfile.ZipFile) -> Log:
    members = logs.infolist()
    if len(members) > MEMBERS:
        raise UnreadableLogError(f"the archive of logs holds more than {MEMBERS} files")
    jobs = sorted((int(found[1]), found[2], member) for member in members if (found := _JOB.fullmatch(member.filename)))
    if not jobs:
        raise UnreadableLogError("the archive holds no log of a job")
    room = UNPACKED
    kept: Log | None = None
    for _, name, member in jobs:
        log, failed, size = _read(logs, member, name, room)
        room -= size
        kept = kept if kept and not failed else log
        if failed or room <= 0:
            break
    return kept or Log("", b"", cut=False)


def _read(logs: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, room: int) -> tuple[Log, bool, int]:
    """The end of one log, whether an error is reported in it, and how many bytes were unpacked."""
    kept: deque[bytes] = deque()
    held = size = 0
    failed, before = False, b""
    with logs.open(member) as file:
        while size < room and (chunk := file.read(_CHUNK)):
            size += len(chunk)
            failed = failed or _ERROR in before + chunk
            before = chunk[-len(_ERROR) :]
            kept.append(chunk)
            held += len(chunk)
            while held - len(kept[0]) >= TAIL:
                held -= len(kept.popleft())
    text = b"".join(kept)[-TAIL:]
    cut = size > len(text)
    whole = text.partition(b"\n")[2] if cut else text
    return Log(name, whole or text, cut), failed, size
