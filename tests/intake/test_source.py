"""``--from FILE`` with pasted text, through the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.intake.test_formats import COLLECT_ENV_1X, COLLECT_ENV_2X, PIP_LIST

from torchsmith import cli
from torchsmith.host.replay import ReplayHost


def check(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    code = cli.run(["check", "--json", "--from", str(path), *more], ReplayHost({}))
    return code, json.loads(capsys.readouterr().out)


def test_a_healthy_report_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pasted.txt"
    path.write_bytes(COLLECT_ENV_2X.encode("utf-16"))
    code, document = check(path, capsys)
    assert (code, document["verdict"]) == (0, "fits")
    assert [(cause["cause"], cause["severity"]) for cause in document["root_causes"]] == [("no-fault", "note")]


def test_what_the_text_does_not_tell_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pasted.txt"
    path.write_text(PIP_LIST)
    _, document = check(path, capsys)
    facts = document["facts"]
    assert isinstance(facts, dict)
    assert all("value" in facts[name] for name in ("packages", "torch", "machine"))
    assert all("pasted text" in facts[name]["unknown"] for name in ("gpus", "interpreter", "variables", "torch_import"))
    assert not [fact for fact in facts.values() if "crashed" in fact.get("unknown", "")]


def test_assumptions_complete_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pasted.txt"
    path.write_text(COLLECT_ENV_1X.replace("GPU 0: TITAN RTX\nGPU 1: TITAN RTX\n", ""))
    _, document = check(path, capsys, "--assume", "gpu=GTX 1080 Ti")
    facts = document["facts"]
    assert isinstance(facts, dict)
    assert facts["gpus"]["value"]["devices"][0]["sm"] == 61


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 5000, b"hello\n", b"{}", b'{"format": "torchsmith-bundle"', bytes(range(256)) * 40]
)
def test_what_is_neither_bundle_nor_evidence_is_one_error(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert cli.run(["check", "--from", str(path)], ReplayHost({})) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert cli.run(["check", "--from", str(path)], ReplayHost({})) == 2
    assert "MiB" in capsys.readouterr().err


def test_intake_is_imported_for_pasted_text_only() -> None:
    script = (
        "import sys, torchsmith.cli, torchsmith.app.check, torchsmith.app.asked; print([m for m in sys.modules if 'intake' in m])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
