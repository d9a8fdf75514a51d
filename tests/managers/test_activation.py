"""Variables that hold while one environment is active: a real venv's scripts, conda's hooks, direnv's file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.managers.options import WINDOWS_ROOT, option, place

from torchsmith.act import fresh_shell
from torchsmith.managers import transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import blocks
from torchsmith.model.choice import Place
from torchsmith.model.facts.python import Environment
from torchsmith.model.record import replace
from torchsmith.model.transaction import ENCODING, Transaction

OPTION = option("env-vars")
ROOT = "/opt/my cuda's 12.8"


def asked(there: Place) -> Transaction:
    paths = transactions.wanted(OPTION, there, {})
    files = {path: Path(path).read_bytes().decode(*ENCODING) for path in paths if Path(path).is_file()}
    return transactions.made(OPTION, there, files)


def write(transaction: Transaction) -> None:
    for edit in transaction.edits:
        path = Path(edit.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((edit.text or "").encode(*ENCODING))


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "my env"], check=True)
    return tmp_path / "my env"


@pytest.mark.parametrize(
    ("shell", "script"), [("bash", "activate"), ("zsh", "activate"), ("dash", "activate"), ("fish", "activate.fish")]
)
def test_a_venv_sets_them_when_it_is_activated(shell: str, script: str, venv: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here (Debian: apt-get install {shell})")
    there = place(prefix=str(venv), toolkits=(("12.8", ROOT),))
    before = {path: path.read_bytes() for path in (venv / "bin").iterdir() if path.name.lower().startswith("activate")}
    transaction = asked(there)
    write(transaction)
    assert {Path(edit.path).name for edit in transaction.edits} == {"activate", "activate.fish", "Activate.ps1"}
    code = f'. \'{venv}/bin/{script}\'; printf \'%s|%s|%s\' "$CUDA_HOME" "$TORCH_CUDA_ARCH_LIST" "$VIRTUAL_ENV"; deactivate'
    ran = subprocess.run(
        [shell, "-c", code], env={"PATH": os.environ["PATH"], "HOME": "/"}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"{ROOT}|8.9|{venv}"
    checks = fresh_shell.checks(transaction, {"HOME": "/", "PATH": os.environ["PATH"]})
    assert [passed for _, passed, _ in checks] == [True, True]
    assert asked(there).empty
    for edit in transaction.edits:
        assert blocks.remove(edit.text or "").encode(*ENCODING) == before[Path(edit.path)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash", "fish"])
def test_condas_hooks_put_back_what_was_there(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here (Debian: apt-get install {shell})")
    there = replace(place(prefix=str(tmp_path), toolkits=(("12.8", ROOT),)), environment=Environment("conda", "conda"))
    transaction = asked(there)
    write(transaction)
    assert all(edit.before is None for edit in transaction.edits)
    ending = "fish" if shell == "fish" else "sh"
    on, off = (tmp_path / f"etc/conda/{folder}.d/torchsmith-cuda.{ending}" for folder in ("activate", "deactivate"))
    show = 'printf \'%s|\' "$CUDA_HOME" "$TORCH_CUDA_ARCH_LIST"'
    given = {"PATH": os.environ["PATH"], "HOME": "/", "CUDA_HOME": "/before it"}
    code = f". '{on}'; {show}; . '{off}'; {show}; env"
    ran = subprocess.run([shell, "-c", code], env=given, capture_output=True, text=True, check=True)
    first, _, after = ran.stdout.partition("/before it||")
    assert first == f"{ROOT}|8.9|"
    assert "CUDA_HOME=/before it\n" in after
    assert "TORCH_CUDA_ARCH_LIST" not in after
    assert "_TORCHSMITH" not in after
    assert asked(there).empty


def test_direnvs_file_takes_the_place_of_the_scripts(venv: Path, tmp_path: Path) -> None:
    (tmp_path / ".envrc").write_text("layout python\n")
    there = place(prefix=str(venv), here=str(tmp_path))
    made = asked(there)
    assert [edit.path for edit in made.edits] == [str(tmp_path / ".envrc")]
    assert [each.argv for each in made.shown] == [("direnv", "allow", str(tmp_path))]
    write(made)
    code = f". '{tmp_path}/.envrc'; printf '%s' \"$CUDA_HOME\""
    ran = subprocess.run(["bash", "-c", f"layout() {{ :; }}; {code}"], capture_output=True, text=True, check=True)
    assert ran.stdout == "/opt/cuda-12.8"
    assert asked(there).empty


def test_the_scripts_of_windows() -> None:
    there = place("windows", r"C:\my env")
    scripts = {
        r"C:\my env\Scripts\activate.bat": "@echo off\r\n:END\r\n",
        r"C:\my env\Scripts\Activate.ps1": "param()\r\n# SIG # Begin signature block\r\n# x\r\n# SIG # End signature block\r\n",
    }
    assert set(scripts) <= set(transactions.wanted(OPTION, there, {}))
    made = transactions.made(OPTION, there, scripts)
    texts = {edit.path: edit.text or "" for edit in made.edits}
    assert set(texts) == set(scripts)
    bat = texts[r"C:\my env\Scripts\activate.bat"]
    assert f'set "CUDA_HOME={WINDOWS_ROOT}"\r\n' in bat
    assert ":: >>> torchsmith >>>" in bat
    assert f"$env:CUDA_HOME = '{WINDOWS_ROOT}'\r\n" in texts[r"C:\my env\Scripts\Activate.ps1"]
    assert any("AllSigned" in note for note in made.notes)
    assert made.registry == ()
    assert transactions.made(OPTION, there, texts).empty
    assert {path: blocks.remove(text) for path, text in texts.items()} == scripts


def test_cmd_cannot_hold_every_folder() -> None:
    there = place("windows", r"C:\e", toolkits=(("12.8", r"D:\100%\cuda"),))
    with pytest.raises(CannotDo, match="cmd cannot hold"):
        transactions.made(OPTION, there, {r"C:\e\Scripts\activate.bat": "@echo off\r\n"})


def test_what_does_not_read_the_scripts_is_told(venv: Path) -> None:
    there = replace(place(prefix=str(venv)), environment=Environment("venv", "poetry"))
    assert any("`poetry run` does not read" in note for note in asked(there).notes)


def test_a_new_environment_has_no_scripts_yet() -> None:
    there = place(fresh=True)
    from torchsmith.managers import activation, toolkit_change

    assert activation.edits(toolkit_change.of(OPTION, there), there, {}) == ()
    assert any("apply once more" in note for note in activation.notes(there, {}))
