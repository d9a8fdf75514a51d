"""How the laboratory calls uv and other programs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.lab.cache import CACHE, unavailable

INSTALL_LIMIT: Final = 20 * 60
"""Seconds; the largest environment is about 5 GB."""

_HIDDEN: Final = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")


def uv(part: str) -> str:
    """The uv beside the tests' Python, else the one on PATH. Raises Unavailable for the part that needs it."""
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.exists() else shutil.which("uv")
    if program is None:
        unavailable(part, "uv is not installed")
    return program


def attempt(*command: str | Path, cwd: Path = CACHE) -> subprocess.CompletedProcess[str]:
    """Runs an installer with the user's own configuration; a failure is the caller's to judge."""
    env = {key: value for key, value in os.environ.items() if key not in _HIDDEN}
    env |= {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    cwd.mkdir(parents=True, exist_ok=True)
    try:
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=INSTALL_LIMIT,
            env=env,
            cwd=cwd,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no end in {INSTALL_LIMIT} s")


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed program said last."""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1].strip() if lines else f"exit status {done.returncode}"
