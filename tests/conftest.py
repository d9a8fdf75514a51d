"""What all tests share: the laboratory's fixtures, and the count of captured machines in the summary."""

import pytest

from tests import machines

pytest_plugins = ["tests.lab.fixtures"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Only captured and quoted machines show that torchsmith is right on real ones: the three are counted apart."""
    of = machines.counts()
    terminalreporter.write_line("machines: " + ", ".join(f"{of[origin]} {origin}" for origin in machines.ORIGINS))
