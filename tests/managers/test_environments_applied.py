"""Environments of pip and uv changed as transactions by the real tools, from an index of tiny wheels on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.managers import index
from tests.managers.applied import Home, configured, home, option

from torchsmith.managers import transactions
from torchsmith.managers.base import CannotDo
from torchsmith.model.choice import Pin
from torchsmith.model.facts.project import Dependency, PastedProject
from torchsmith.model.transaction import Expected

pytestmark = pytest.mark.slow

KEPT = {"filelock": "3.20.0", "numpy": "2.4.0"}
"""What PyPI gives; the index of a build has others."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("index")
    index.write(root)
    with index.served(root) as url:
        yield url


@pytest.fixture(autouse=True)
def told(served: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip and uv are told, in place of what the user has configured."""
    for name in tuple(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    for name, value in configured(served, tmp_path_factory.getbasetemp() / "uv-cache").items():
        monkeypatch.setenv(name, value)


def versions(at: Home, *names: str) -> dict[str, str]:
    return {name: version for name, version in at.installed().items() if name in names}


TORCH = ("torch", "torchvision")


@pytest.mark.parametrize("tools", [(("uv", "0"),), ()], ids=["by uv", "by pip"])
def test_an_environment_moves_to_another_build_and_back(served: str, tmp_path: Path, tools: tuple[tuple[str, str], ...]) -> None:
    at = home(tmp_path, "tool", by="pip", index=f"{served}/pypi")
    before, had = at.state(), at.installed()
    transaction = at.made(option("pip", "cu129", f"{served}/cu129"), at.place("pip", "2.13.0+cu130", tools=tools))
    program = transaction.runs[-1].argv[0]
    assert program == ("uv" if tools else str(at.python))
    outcome = at.carry_out(transaction)
    assert outcome.status == "done", outcome
    assert versions(at, *TORCH, *KEPT) == {"torch": "2.8.0+cu129", "torchvision": "0.23.0+cu129", **KEPT}
    assert at.state() != before
    assert [each.status for each in at.undo()] == ["undone"]
    assert (at.state(), at.installed()) == (before, had)
