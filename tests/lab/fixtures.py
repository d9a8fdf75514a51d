"""The laboratory as pytest fixtures. In tests/conftest.py: `pytest_plugins = ["tests.lab.fixtures"]`.

A part that cannot be had here skips the test that asks for it, with the reason.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from tests.lab import environments, machine, wine
from tests.lab.cache import Unavailable
from tests.lab.environments import Environment, VariantFactory
from tests.lab.machine import FakeMachine, MachineFactory, Scenario
from tests.lab.wine import Windows

P = ParamSpec("P")
T = TypeVar("T")


def have(make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `make` gives, or a skip."""
    try:
        return make(*args, **kwargs)
    except Unavailable as reason:
        pytest.skip(f"laboratory: {reason}")


@pytest.fixture
def fake_machine(tmp_path_factory: pytest.TempPathFactory) -> MachineFactory:
    """Lays out a scenario: fake_machine("gtx1080ti")."""

    def make(scenario: Scenario | str) -> FakeMachine:
        return have(machine.build, scenario, tmp_path_factory.mktemp("machine"))

    return make


@pytest.fixture(scope="session")
def cuda_environment() -> Environment:
    """CUDA torch, real. Not to be changed: take `variant` of it."""
    return have(environments.cuda)


@pytest.fixture(scope="session")
def cpu_environment() -> Environment:
    """CPU torch, real. Not to be changed."""
    return have(environments.cpu)


@pytest.fixture(scope="session")
def cu121_environment() -> Environment:
    """torch 2.2.2 beside NumPy 2, real. Not to be changed."""
    return have(environments.cu121)


@pytest.fixture(scope="session")
def empty_environment() -> Environment:
    """No packages. Not to be changed."""
    return have(environments.empty)


@pytest.fixture
def variant() -> Iterator[VariantFactory]:
    """A copy of an environment that the test may damage: variant(cuda_environment)."""
    with ExitStack() as stack:
        yield lambda base: stack.enter_context(environments.variant(base))


@pytest.fixture(scope="session")
def wine_prefix() -> Iterator[Path]:
    """A fresh Wine prefix for this test process."""
    with ExitStack() as stack:
        yield have(stack.enter_context, wine.prefix())


@pytest.fixture(scope="session")
def windows(wine_prefix: Path) -> Windows:
    """A Windows Python."""
    return have(wine.python, wine_prefix)


@pytest.fixture(scope="session")
def windows_torch(wine_prefix: Path) -> Windows:
    """A Windows Python with the real Windows torch."""
    return have(wine.torch, wine_prefix)
