"""What all tests share: the laboratory's fixtures, and the count of captured machines in the summary."""

import atexit
import os
import shutil
import signal
import tempfile

import pytest
from hypothesis import settings

from tests import machines

pytest_plugins = ["tests.lab.fixtures"]

# Speed is measured by benchmarks, in one run against what it is compared with; never by a timed test.
# The same examples in every run, or a change is blamed for what another one brought; TORCHSMITH_RANDOM=1 looks for new ones.
settings.register_profile("untimed", deadline=None, derandomize=not os.environ.get("TORCHSMITH_RANDOM"))
settings.load_profile("untimed")

# A shell that starts us in the background has us ignore Ctrl-C, and all that the tests start with us.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Runs that the user of this machine has under way are none of the tests' business.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="torchsmith-tests-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Only captured and quoted machines show that torchsmith is right on real ones: the three are counted apart."""
    of = machines.counts()
    terminalreporter.write_line("machines: " + ", ".join(f"{of[origin]} {origin}" for origin in machines.ORIGINS))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of what takes minutes and is one more of its kind, CI runs a sample; `tools/nightly tests` runs all of it."""
    if os.environ.get("TORCHSMITH_NIGHTLY"):
        return
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker(pytest.mark.skip(reason="one more of its kind: tools/nightly tests"))
