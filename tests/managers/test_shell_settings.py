"""A toolkit in the files of real shells: a new shell sees it once, and what was there before comes back byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.managers.options import option, place

from torchsmith.act import fresh_shell
from torchsmith.managers import transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import blocks
from torchsmith.model.choice import Place
from torchsmith.model.transaction import ENCODING, Transaction

OPTION = option("user-path")
ROOT = "/opt/cuda-12.8"
DEBIAN_PROFILE = 'if [ -n "$BASH_VERSION" ]; then\n    if [ -f "$HOME/.bashrc" ]; then\n\t. "$HOME/.bashrc"\n    fi\nfi\n'
DEBIAN_BASHRC = "case $- in\n    *i*) ;;\n      *) return;;\nesac\nPS1='$ '\n"


def at(home: Path, shell: str = "bash", root: str = ROOT, **values: str) -> Place:
    made = tuple({"SHELL": f"/bin/{shell}", **values}.items())
    return place(home=str(home), values=made, toolkits=(("12.8.1", root),))


def asked(there: Place) -> Transaction:
    """As ``apply`` does it: the files that are named are read, and the transaction is made of them."""
    return transactions.made(OPTION, there, read(there))


def read(there: Place) -> dict[str, str]:
    paths = transactions.wanted(OPTION, there, {})
    return {path: Path(path).read_bytes().decode(*ENCODING) for path in paths if Path(path).is_file()}


def write(transaction: Transaction) -> None:
    for edit in transaction.edits:
        path = Path(edit.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((edit.text or "").encode(*ENCODING))


def seen(home: Path, shell: str, *, login: bool = True) -> dict[str, str]:
    answer = fresh_shell.of_shell(shell, str(home), {"PATH": os.environ["PATH"]}, login=login, limit=30)
    assert answer is not None
    return answer


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here (Debian: apt-get install {shell})")


CASES = {
    "bash-new-home": ("bash", {}),
    "bash-debian": ("bash", {".profile": DEBIAN_PROFILE, ".bashrc": DEBIAN_BASHRC}),
    "bash-profile-first": ("bash", {".bash_profile": ". ~/.bashrc", ".bashrc": "A=1", ".profile": "B=1\n"}),
    "bash-login-file": ("bash", {".bash_login": "export A=1\n\n\n"}),
    "bash-no-utf8": ("bash", {".profile": "# caf\udce9\n", ".bashrc": "\n\n"}),
    "zsh-new-home": ("zsh", {}),
    "zsh": ("zsh", {".zshenv": "typeset -U path", ".zshrc": "A=1\n"}),
    "fish-new-home": ("fish", {}),
    "fish": ("fish", {".config/fish/config.fish": "if status is-interactive\nend\n"}),
    "sh": ("dash", {".profile": "A=1\n"}),
}


@pytest.mark.parametrize("root", [ROOT, "/opt/my cuda's \u00e4 $HOME `12`.8"])
@pytest.mark.parametrize("case", CASES)
def test_a_new_shell_sees_it_once_and_undo_is_exact(case: str, root: str, tmp_path: Path) -> None:
    shell, contents = CASES[case]
    needs(shell)
    for name, text in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text.encode(*ENCODING))
    there = at(tmp_path, shell, root)
    before = read(there)
    transaction = asked(there)
    write(transaction)
    for login in (True, False):
        if not login and shell == "dash":
            continue  # it reads nothing then, as the note says
        variables = seen(tmp_path, shell, login=login)
        assert variables["CUDA_HOME"] == root
        assert variables["PATH"].split(":").count(f"{root}/bin") == 1
        assert variables["PATH"].startswith(f"{root}/bin:") or shell == "zsh"
        assert "CUDA_PATH" not in variables
    checks = fresh_shell.checks(transaction, {"HOME": str(tmp_path), "SHELL": f"/bin/{shell}", "PATH": os.environ["PATH"]})
    assert checks
    assert all(passed for _, passed, _ in checks), checks
    assert asked(there).empty
    for edit in transaction.edits:
        assert blocks.remove(edit.text or "") == before.get(edit.path, "")


def test_a_shell_in_a_shell_has_it_once(tmp_path: Path) -> None:
    there = at(tmp_path)
    write(asked(there))
    inner = """bash -l -c 'exec bash -i -c '"'"'"$PYTHON" -I -c "$CODE"'"'"''"""
    given = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    given["CODE"] = "import os; print(os.environ['PATH'])"
    ran = subprocess.run(["setsid", "-w", "bash", "-l", "-c", inner], env=given, capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[-2].split(":").count(f"{ROOT}/bin") == 1


@pytest.mark.parametrize(
    ("shell", "values", "paths"),
    [
        ("bash", {}, [".profile", ".bashrc"]),
        ("zsh", {}, [".zshenv"]),
        ("zsh", {"ZDOTDIR": "/z/"}, ["/z/.zshenv"]),
        ("fish", {}, [".config/fish/config.fish"]),
        ("fish", {"XDG_CONFIG_HOME": "/x"}, ["/x/fish/config.fish"]),
        ("pwsh", {}, [".config/powershell/profile.ps1"]),
        ("dash", {}, [".profile"]),
    ],
)
def test_the_file_of_each_shell(shell: str, values: dict[str, str], paths: list[str], tmp_path: Path) -> None:
    """S02."""
    made = asked(at(tmp_path, shell, **values))
    assert [edit.path for edit in made.edits] == [path if path.startswith("/") else f"{tmp_path}/{path}" for path in paths]
    assert all(edit.before is None for edit in made.edits)
    assert any("cron and systemd" in note for note in made.notes)


@pytest.mark.parametrize("shell", ["tcsh", "nu", "xonsh"])
def test_a_shell_that_is_not_known_is_left_to_its_user(shell: str, tmp_path: Path) -> None:
    with pytest.raises(CannotDo, match=f"where {shell} reads variables"):
        asked(at(tmp_path, shell))


def test_without_a_home_nothing_is_written() -> None:
    """P02: a container without HOME."""
    with pytest.raises(CannotDo, match="HOME is not set"):
        transactions.made(OPTION, place(values=(("SHELL", "/bin/bash"),)), {})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: text.replace("12.8'", "12.4'"), "edited by hand"),
        (lambda text: text + text, "more than once"),
        (lambda text: text.replace("# <<< torchsmith <<<\n", ""), "not whole"),
    ],
)
def test_a_block_that_is_not_as_it_was_left(change: object, match: str, tmp_path: Path) -> None:
    """S01: the block was edited, stands there twice, or lost its end."""
    assert callable(change)
    there = at(tmp_path, "zsh")
    write(asked(there))
    rc = tmp_path / ".zshenv"
    rc.write_text(change(rc.read_text()))
    before = rc.read_bytes()
    with pytest.raises(CannotDo, match=match):
        asked(at(tmp_path, "zsh", "/opt/cuda-12.8.2"))
    assert rc.read_bytes() == before


def test_a_file_with_the_line_ends_of_windows(tmp_path: Path) -> None:
    """A shell takes the CR for a part of the folder's name."""
    (tmp_path / ".zshenv").write_bytes(b"A=1\r\nB=2\r\n")
    with pytest.raises(CannotDo, match="line ends of Windows"):
        asked(at(tmp_path, "zsh"))


def test_another_toolkit_takes_the_place_of_the_first(tmp_path: Path) -> None:
    (tmp_path / ".zshenv").write_text("A=1\n")
    write(asked(at(tmp_path, "zsh")))
    write(asked(at(tmp_path, "zsh", "/other")))
    text = (tmp_path / ".zshenv").read_text()
    assert ROOT not in text
    assert text.count(">>> torchsmith >>>") == 1
    assert blocks.remove(text) == "A=1\n"


def test_what_the_user_wrote_himself_is_named_and_left(tmp_path: Path) -> None:
    """S05: lines of the user's own win where they are read later; they are named with their number."""
    lines = ["A=1", "export CUDA_HOME=/usr/local/cuda-11.8", "export PATH=$CUDA_HOME/bin:$PATH", "PATH=/x:$PATH"]
    (tmp_path / ".bashrc").write_text("\n".join([*lines, "# export CUDA_HOME=/no", "module load cuda/12.1", ""]))
    before = (tmp_path / ".bashrc").read_text()
    made = asked(at(tmp_path))
    named = [note for note in made.notes if ".bashrc" in note and note.startswith("line ")]
    assert [note.split()[1] for note in named] == ["2", "3", "6"]
    write(made)
    assert (tmp_path / ".bashrc").read_text().startswith(before)
    assert [note for note in asked(at(tmp_path)).notes if note.startswith("line ")] == named


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"CUDA_HOME": "/gone"}, "CUDA_HOME names `/gone`, where no toolkit was found"),
        ({"CUDA_HOME": "/gone", "LOADEDMODULES": "gcc/12:cuda/12.1"}, "module unload cuda/12.1"),
        ({"CUDA_HOME": "/gone", "DIRENV_DIR": "-/p"}, "look into `/p/.envrc`"),
        ({"CUDA_HOME": "/gone", "INVOCATION_ID": "1"}, "a unit of systemd"),
        (
            {"LD_LIBRARY_PATH": "/x:/usr/local/cuda-11/lib64", "LOADEDMODULES": "cuda/11"},
            "LD_LIBRARY_PATH holds `/usr/local/cuda-11/lib64`",
        ),
        ({"LD_LIBRARY_PATH": "/x"}, ""),
        ({"PATH": "/usr/bin:/usr/local/cuda-11.8/bin"}, "PATH holds `/usr/local/cuda-11.8/bin` of CUDA 11.8: whoever started"),
        ({"PATH": "/usr/bin:/opt/cuda-12.8/bin:/usr/local/cuda/bin"}, ""),
        ({"CUDA_HOME": ROOT + "/"}, ""),
    ],
)
def test_who_set_what_stands_there_now(values: dict[str, str], told: str, tmp_path: Path) -> None:
    """S05: a CUDA_HOME that names nothing, LD_LIBRARY_PATH of a module system, direnv, systemd: named, never edited."""
    there = at(tmp_path, **values)
    found = [note for note in asked(there).notes if "CUDA_HOME names" in note or "PATH holds" in note]
    assert (told in found[0]) if told else not found
    assert {Path(edit.path).parent for edit in asked(there).edits} == {tmp_path}


def test_what_would_be_done_for_the_machine_is_only_shown(tmp_path: Path) -> None:
    made = asked(at(tmp_path))
    assert [each.argv for each in made.shown] == [("sudoedit", "/etc/ld.so.conf.d/cuda-12-8.conf"), ("sudo", "ldconfig")]
    assert not any(edit.path.startswith("/etc") for edit in made.edits)
    assert made.runs == ()
