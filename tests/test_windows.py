"""torchsmith on a Windows CPython, with the real Windows torch, under Wine. What Wine is not faithful in is not asserted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.wine import Windows, windows_path
from torchsmith import cli

pytestmark = [pytest.mark.online, pytest.mark.slow]

SOURCE = Path(__file__).parents[1] / "src"


def torchsmith(windows: Windows, *arguments: str) -> str:
    environ = {"PYTHONPATH": windows_path(SOURCE)}
    ran = windows.run(["-m", "torchsmith", *arguments, "--wait", "30", "--python", windows.python], env=environ)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout


def check(windows: Windows) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(torchsmith(windows, "check", "--json"))
    assert not [item for item in document["skipped"] if "crashed" in item["reason"]]
    assert not [name for name, fact in document["facts"].items() if "crashed" in fact.get("unknown", "")]
    return document


def test_a_healthy_environment(windows_torch: Windows) -> None:
    document = check(windows_torch)
    assert document["verdict"] == "fits"
    facts = {name: fact.get("value") for name, fact in document["facts"].items()}
    assert facts["machine"]["os"] == "windows"
    assert facts["machine"]["windows_build"] > 10000
    assert facts["interpreter"]["platform"] == "win32"
    assert (facts["torch"]["version"], facts["torch"]["kind"]) == ("2.8.0+cpu", "cpu")
    assert {"torch", "sympy"} <= {package["name"] for package in facts["packages"]["installed"]}


def test_no_torch(windows: Windows) -> None:
    document = check(windows)
    assert next(f["cause"] for f in document["root_causes"]) == "torch-not-installed"
    facts = {name: fact.get("value") for name, fact in document["facts"].items()}
    assert facts["memory"]["total"] > facts["memory"]["available"] > 1 << 28
    assert facts["processor"]["logical"] >= facts["processor"]["cores"] >= 1
    assert facts["limits"]["cpus"] >= 1


@pytest.mark.parametrize("dll", ["c10.dll", "libiomp5md.dll"])
def test_a_missing_dll_is_named_as_the_import_fails_on_it(windows_torch: Windows, dll: str) -> None:
    with windows_torch.without(dll) as broken:
        ran = broken.run(["-c", "import torch"])
        assert "[WinError 126]" in ran.stderr
        document = check(broken)
        assert document["verdict"] == "blocked"
        assert dll in json.dumps(document["root_causes"][0])
        assert "torch" in json.dumps(document["root_causes"][0]["remedies"])


def test_a_bundle_of_it_is_read_on_this_system(
    windows_torch: Windows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "windows.json"
    path.write_text(torchsmith(windows_torch, "bundle"))
    assert cli.run(["check", "--json", "--from", str(path)]) == 0
    replayed = json.loads(capsys.readouterr().out)
    assert (replayed["verdict"], replayed["facts"]["torch"]["value"]["version"]) == ("fits", "2.8.0+cpu")
    assert replayed["facts"]["machine"]["value"]["os"] == "windows"
