"""A sample of what `python -m tools.faults` does every night: each scenario, each fault, at every so many calls: no exception.

F01, F02, F03, F04, F05, F07 and, by the scenarios that begin with undo, R01.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.faults.injector import FAULTS
from tools.faults.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or shutil.which("gcc") is None, reason="the injector needs Linux and gcc"),
]
ALWAYS = ("SIGKILL of all", "ENOSPC from there on", "power cut")


SAMPLE = ("undo of venv", "machine settings", "resume of new environment")
EACH = [pytest.param(name, marks=[pytest.mark.nightly] * (name not in SAMPLE)) for name in SCENARIOS]


@pytest.mark.parametrize("scenario", EACH)
def test_no_exception_at_any_call(scenario: str) -> None:
    faults = dict.fromkeys((*ALWAYS, *list(FAULTS)[list(SCENARIOS).index(scenario) % 3 :: 3]))
    command = [sys.executable, "-m", "tools.faults", "--parts", "engine", "--scenario", scenario, "--every", "120"]
    command += ["--fault", *faults]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert int(done.stdout.split("| all | ")[1].split(" |")[0]) >= 5
