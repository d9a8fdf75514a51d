"""The command line as a person and a program meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from torchsmith import __version__, cli
from torchsmith.host.local import LocalHost

SCHEMA = json.loads(resources.files("torchsmith.report").joinpath("schema/check-1.schema.json").read_text())
COMMAND = [sys.executable, "-m", "torchsmith"]


def run(*arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, text=True, check=False, env=dict(os.environ) | environ
    )


def test_version() -> None:
    assert run("--version").stdout == f"torchsmith {__version__}\n"


def test_check_is_the_default() -> None:
    ran = run("--json")
    document = json.loads(ran.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["environment"]["python"]


@pytest.mark.parametrize(
    "assumed",
    [
        ("gpu=RTX 5070 Ti", "driver=581.57", "os=windows", "python=3.13", "torch=2.9.0+cpu"),
        ("gpu=GTX 1080 Ti", "driver=580.95.05", "os=linux", "python=3.12", "torch=2.14.1+cu130"),
        ("gpu=none", "torch=2.14.1+cpu"),
        ("gpu=H100", "gpu=RTX 3060", "driver=535.183.01", "torch=2.6.0+cu124"),
        ("os=macos", "arch=arm64", "gpu=none"),
    ],
)
def test_json_follows_its_schema(assumed: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["check", "--json", *(part for item in assumed for part in ("--assume", item))])
    jsonschema.validate(json.loads(capsys.readouterr().out), SCHEMA)


WRONG = {
    "an unknown verb": ["chekc"],
    "an unknown option": ["check", "--nope"],
    "an unknown rule": ["check", "--select", "no-such-rule"],
    "an unknown rule page": ["rule", "cpu-only-bild"],
    "an unknown table": ["facts", "nope"],
    "an unknown assumption": ["check", "--assume", "colour=blue"],
    "an assumption without a value": ["check", "--assume", "gpu"],
    "an unknown GPU": ["check", "--assume", "gpu=RTX 5077"],
    "a driver that is none": ["check", "--assume", "driver=new"],
    "a torch without a build": ["check", "--assume", "torch=2.14.1"],
    "two drivers": ["check", "--assume", "driver=580.65.06", "--assume", "driver=570.86.15"],
    "a wait that is no number": ["check", "--wait", "soon"],
    "an endless wait": ["check", "--wait", "1e9"],
    "a source that does not exist": ["check", "--from", "does-not-exist.json"],
    "a source that is a folder": ["check", "--from", "."],
    "a bundle over an existing file": ["bundle", "--output", __file__],
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_one_clear_error(what: str) -> None:
    ran = run(*WRONG[what])
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "error:" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_missing_interpreter_is_a_finding_not_a_traceback(tmp_path: Path) -> None:
    ran = run("--json", "--python", str(tmp_path / "nowhere"))
    assert ran.returncode in {1, 3}
    assert json.loads(ran.stdout)["verdict"] in {"blocked", "unknown"}
    assert ran.stderr == ""


def test_escapes_from_outside_do_not_reach_the_terminal(tmp_path: Path) -> None:
    evil = tmp_path / "\x1b[31mevil\u202e"
    ran = run("check", "--python", str(evil))
    assert "\x1b" not in ran.stdout
    assert "\u202e" not in ran.stdout
    assert "\\x1b[31mevil" in ran.stdout


@pytest.mark.parametrize(
    "setting",
    [{"HOME": "/nonexistent"}, {"HOME": ""}, {"PATH": ""}, {"LANG": "C", "PYTHONIOENCODING": "ascii"}, {"TERM": "dumb"}],
)
def test_poor_surroundings_change_nothing_but_notes(setting: dict[str, str]) -> None:
    ran = run("check", "--python", sys.executable, **setting)
    assert ran.returncode in {0, 3}
    assert "Traceback" not in ran.stderr
    assert ran.stdout.startswith("torchsmith ")


def test_no_proc_and_no_sys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.run(["check", "--python", sys.executable], LocalHost(root=str(tmp_path)))
    assert status in {0, 3}
    assert "Could not tell" in capsys.readouterr().out or status == 0


def test_a_closed_pipe_is_quiet() -> None:
    with subprocess.Popen([*COMMAND, "facts", "torch_builds"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""


def test_eighty_columns() -> None:
    ran = run("check", "--assume", "gpu=RTX 5070 Ti", "--assume", "driver=581.57", "--assume", "torch=2.9.0+cpu")
    assert all(len(line) <= 80 for line in ran.stdout.splitlines() if "pip" not in line and "http" not in line)


def test_a_bundle_replays(tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    assert run("bundle", "--output", str(path), "--python", sys.executable).returncode == 0
    live, replayed = run("--json", "--python", sys.executable), run("--json", "--from", str(path))
    assert json.loads(live.stdout)["verdict"] == json.loads(replayed.stdout)["verdict"]
    assert path.stat().st_mode & 0o077 == 0


def test_explain_in_every_form(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "pasted.txt"
    text.write_text("RuntimeError: CUDA error: no kernel image is available for execution on the device\n")
    begins = {"text": "BLOCKER  gpu-arch", "json": "{", "markdown": "### `gpu-arch", "github": "<!-- torchsmith-explain {"}
    for form, first in begins.items():
        assert cli.run(["explain", "--format", form, str(text)]) == 1
        out = capsys.readouterr().out
        assert out.startswith(first)
        if form == "json":
            jsonschema.validate(json.loads(out), SCHEMA)
            (proof,) = json.loads(out)["root_causes"][0]["evidence"]
            assert proof["position"] == {"line": 1, "column": proof["mark"][0] + 1}


def test_check_as_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(
        ["check", "--format", "markdown", "--assume", "gpu=RTX 5070 Ti", "--assume", "os=windows", "--assume", "torch=2.9.0+cpu"]
    )
    assert capsys.readouterr().out.startswith("### `cpu-only-build`: ")


def test_a_fault_of_ours_is_one_line_and_70(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> int:
        raise LookupError("a\x1b[31m")

    monkeypatch.setattr(cli, "_run_rule", broken)
    assert cli.run(["rule"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("error: a fault of torchsmith itself: ")
    assert said.count("\n") == 1
    assert "\x1b" not in said
    monkeypatch.setenv("TORCHSMITH_TRACEBACK", "1")
    with pytest.raises(LookupError):
        cli.run(["rule"])


def test_a_cause_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "--ignore", "no-such-cause", __file__]) == 2
    assert "no-such-cause" in capsys.readouterr().err
