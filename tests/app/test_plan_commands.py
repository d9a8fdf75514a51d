"""What `plan` has done to a machine whose torch is whole: no more than what is wrong."""

from __future__ import annotations

import json

import pytest

from torchsmith.cli import run

HERE = ("--machine", "rtx4090-ubuntu2204", "--assume", "torch=2.9.1+cu128")


@pytest.mark.parametrize(("package", "put_right"), [("torchvision==0.20.0", "torchvision==0.24.1")])
def test_a_wrong_companion_moves_and_torch_stays(capsys: pytest.CaptureFixture[str], package: str, put_right: str) -> None:
    """The root cause is the companion: torch is neither removed nor fetched again."""
    run(["plan", *HERE, "--assume", f"package={package}", "--json"])
    first = json.loads(capsys.readouterr().out)["options"][0]
    assert (first["torch"], first["build"]) == ("2.9.1", "cu128")
    (command,) = first["commands"]
    assert command[-3:] == ["install", "torch==2.9.1", put_right]
