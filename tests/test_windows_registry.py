"""The registry port on a real registry, by a Windows Python under Wine: our own code runs there, and `reg` looks from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.wine import Windows, windows_path
from tests.managers.options import option, place
from torchsmith.managers import transactions
from torchsmith.model.facts.python import Environment
from torchsmith.model.record import replace

pytestmark = [pytest.mark.online, pytest.mark.slow]

SOURCE = Path(__file__).parents[1] / "src"
BEGIN = """
import json, sys
from torchsmith.act import registry
from torchsmith.model.transaction import RegistryEdit
r = registry.WindowsRegistry()
KEY = "Environment"
answer = {}
"""
END = "\nprint('\\x02' + json.dumps(answer))\n"


def run(windows: Windows, code: str, tmp_path: Path) -> dict[str, Any]:
    script = tmp_path / "script.py"
    script.write_text(BEGIN + code + END)
    ran = windows.run([script, tmp_path], env={"PYTHONPATH": windows_path(SOURCE)})
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout.partition("\x02")[2])
    return answer


def outside(windows: Windows, name: str, key: str = r"HKCU\Environment") -> str:
    return windows.start(["reg", "query", key, "/v", name]).stdout


def test_types_are_kept_and_a_long_path_stays_whole(windows: Windows, tmp_path: Path) -> None:
    """S03: a Path of 7,599 characters, of REG_EXPAND_SZ, comes through a change and its way back letter by letter."""
    code = r"""
parts = [rf"C:\very\long\directory\number{i:04d}\bin" for i in range(198)] + [r"%USERPROFILE%\bin", "", r'"C:\a;b"']
long = ";".join(parts)
long += ";" + "x" * (7599 - len(long) - 1)
r.write(KEY, "Path", ("REG_EXPAND_SZ", long))
r.write(KEY, "CUDA_HOME", ("REG_SZ", r"C:\old %USERPROFILE%"))
edits = [
    RegistryEdit(KEY, "PATH", ("REG_EXPAND_SZ", long), ("REG_EXPAND_SZ", r"C:\Program Files\NVIDIA\v12.8\bin;" + long), ""),
    RegistryEdit(KEY, "CUDA_HOME", ("REG_SZ", r"C:\old %USERPROFILE%"), ("REG_SZ", r"C:\Program Files\NVIDIA\v12.8"), ""),
    RegistryEdit(KEY, "CUDA_PATH", None, ("REG_SZ", r"C:\Program Files\NVIDIA\v12.8"), ""),
]
answer["length"] = len(long)
answer["changed"] = [registry.change(r, edit) for edit in edits]
answer["again"] = [registry.change(r, edit) for edit in edits]
answer["after"] = [r.read(KEY, edit.name) == edit.after for edit in edits]
answer["said"] = r.broadcast()
answer["back"] = [registry.change(r, registry.reversed_edit(edit)) for edit in edits]
answer["before"] = [r.read(KEY, edit.name) == edit.before for edit in edits]
"""
    answer = run(windows, code, tmp_path)
    assert answer["length"] == 7599
    assert answer["changed"] == answer["after"] == answer["back"] == answer["before"] == [True, True, True]
    assert answer["again"] == [False, False, False]
    assert answer["said"] == ""
    assert "REG_EXPAND_SZ" in outside(windows, "Path")
    assert "REG_SZ" in outside(windows, "CUDA_HOME")
    assert r"C:\old %USERPROFILE%" in outside(windows, "CUDA_HOME")
    assert "CUDA_PATH" not in outside(windows, "CUDA_PATH")


def test_what_is_no_text_and_what_is_not_as_it_was(windows: Windows, tmp_path: Path) -> None:
    code = r"""
import winreg
from torchsmith.model.errors import StaleError
with winreg.CreateKey(winreg.HKEY_CURRENT_USER, KEY) as key:
    winreg.SetValueEx(key, "TORCHSMITH_ODD", 0, winreg.REG_BINARY, b"abc")
    winreg.SetValueEx(key, "TORCHSMITH_EMPTY", 0, winreg.REG_SZ, "")
answer["missing"] = r.read(KEY, "TORCHSMITH_NONE"), r.read("Software\\TorchsmithNone", "x")
answer["empty"] = r.read(KEY, "TORCHSMITH_EMPTY")
try:
    r.read(KEY, "TORCHSMITH_ODD")
except registry.RegistryError as error:
    answer["odd"] = str(error)
try:
    registry.change(r, RegistryEdit(KEY, "TORCHSMITH_EMPTY", None, ("REG_SZ", "x"), ""))
except StaleError as error:
    answer["stale"] = str(error)
answer["allowed"] = r.refusal(KEY), r.refusal("Software\\TorchsmithNone\\Deeper")
r.write(KEY, "TORCHSMITH_NONE", None)
r.write("Software\\TorchsmithMade", "x", ("REG_SZ", "y"))
answer["made"] = r.read("software\\torchsmithmade", "X")
"""
    answer = run(windows, code, tmp_path)
    assert answer["missing"] == [None, None]
    assert answer["empty"] == ["REG_SZ", ""]
    assert "no text" in answer["odd"]
    assert "when the change was planned" in answer["stale"]
    assert answer["allowed"] == ["", ""]
    assert answer["made"] == ["REG_SZ", "y"]


def test_a_new_process_sees_what_was_written(windows: Windows, tmp_path: Path) -> None:
    """What Windows puts together for a new process is read back, expanded, beside what this one has."""
    code = r"""
import os
from torchsmith.act import fresh_shell
r.write(KEY, "TORCHSMITH_HOME", ("REG_EXPAND_SZ", r"%SystemRoot%\cuda"))
r.write(KEY, "Path", ("REG_EXPAND_SZ", r"%SystemRoot%\cuda\bin"))
seen = {name.upper(): value for name, value in fresh_shell.of_windows().items()}
answer["root"] = seen["SYSTEMROOT"]
answer["seen"] = seen.get("TORCHSMITH_HOME")
answer["own"] = os.environ.get("TORCHSMITH_HOME")
"""
    answer = run(windows, code, tmp_path)
    assert answer["own"] is None
    assert answer["seen"] == answer["root"] + r"\cuda"
    # Wine's CreateEnvironmentBlock leaves the user's Path out, a program that is started does see it.
    assert (answer["root"] + r"\cuda\bin").lower() in windows.start(["cmd", "/c", "echo %PATH%"]).stdout.lower()


def test_a_whole_run_and_its_undo(windows: Windows, tmp_path: Path) -> None:
    """Plan, apply and undo by the engine on the real registry; the journal lies in a folder with spaces (E06)."""
    code = r"""
import os, sys
from pathlib import Path
from torchsmith.act import transaction, undoing
from torchsmith.act.store import Store
from torchsmith.act.watch import Silent
from torchsmith.managers import settings, windows_settings
from torchsmith.model.choice import Place
from torchsmith.model.transaction import Transaction
long = ";".join([rf"C:\very\long\directory\number{i:04d}\bin" for i in range(198)] + [r"%USERPROFILE%\bin", ""])
r.write(KEY, "Path", ("REG_EXPAND_SZ", long))
for name in ("CUDA_HOME", "CUDA_PATH"):
    r.write(KEY, name, None)
def place():
    read = tuple((key, name, *found) for key, name in windows_settings.ASKED if (found := r.read(key, name)))
    return Place("windows", "powershell", toolkits=(("12.8", ROOT),), registry=read)
ROOT = r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v12.8"
wanted = settings.Wanted("12.8", ROOT, (("CUDA_HOME", ROOT), ("CUDA_PATH", ROOT)), (ROOT + r"\bin",))
made = Transaction("CUDA_HOME", registry=windows_settings.edits(wanted, place()))
store = Store(Path(sys.argv[1]) / "my state")
outcome = transaction.carry_out(made, store, lambda *_: (), Silent(), r)
answer["outcome"] = outcome.status, outcome.problem, [check[1] for check in outcome.checks]
answer["after"] = r.read(KEY, "Path") == ("REG_EXPAND_SZ", ROOT + r"\bin;" + long), r.read(KEY, "CUDA_HOME")
answer["again"] = windows_settings.edits(wanted, place())
answer["undone"] = undoing.undo(store, None, lambda *_: (), Silent(), registry=r)[-1].status
answer["before"] = r.read(KEY, "Path") == ("REG_EXPAND_SZ", long), r.read(KEY, "CUDA_HOME"), r.read(KEY, "CUDA_PATH")
answer["states"] = [past.state for past in store.history()]
"""
    answer = run(windows, code, tmp_path)
    assert answer["outcome"] == ["done", "", [True, True]]
    assert answer["after"] == [True, ["REG_SZ", r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v12.8"]]
    assert answer["again"] == []
    assert answer["undone"] == "undone"
    assert answer["before"] == [True, None, None]


def test_the_lines_for_cmd(windows: Windows, tmp_path: Path) -> None:
    """The block of an activate.bat and conda's hooks, read by cmd; the toolkit's folder has spaces and brackets (E06)."""
    root = r"C:\Program Files (x86)\my & cuda\v12.8"
    there = place("windows", windows_path(tmp_path), toolkits=(("12.8", root),))
    scripts = tmp_path / "Scripts"
    scripts.mkdir()
    bat = windows_path(scripts / "activate.bat")
    made = transactions.made(option("env-vars"), there, {bat: "@echo off\r\nset A=1\r\n:END\r\n"})
    (text,) = [edit.text for edit in made.edits if edit.path == bat]
    (scripts / "activate.bat").write_bytes((text or "").encode())
    lines = ["@echo off", f'call "{bat}"', "set CUDA_HOME", "set TORCH_CUDA_ARCH_LIST", "set A", ""]
    (tmp_path / "all.bat").write_text("\r\n".join(lines))
    ran = windows.start(["cmd", "/c", windows_path(tmp_path / "all.bat")])
    assert f"CUDA_HOME={root}\nTORCH_CUDA_ARCH_LIST=8.9\nA=1\n" in ran.stdout.replace("\r", "")
    conda = replace(there, environment=Environment("conda", "conda"))
    hooks = {edit.path: edit.text or "" for edit in transactions.made(option("env-vars"), conda, {}).edits}
    lines = ["@echo off", r"set CUDA_HOME=C:\before"]
    for folder in ("activate.d", "deactivate.d"):
        (name,) = [path for path in hooks if path.endswith(".bat") and f"\\{folder}\\" in path]
        hook = tmp_path / f"{folder}.bat"
        hook.write_bytes(hooks[name].encode())
        lines += [f'call "{windows_path(hook)}"', "set CUDA_HOME", "set TORCH_CUDA_ARCH_LIST"]
    (tmp_path / "hooks.bat").write_text("\r\n".join([*lines, "set _TORCHSMITH", ""]))
    told = [line.strip() for line in windows.start(["cmd", "/c", windows_path(tmp_path / "hooks.bat")]).stdout.splitlines()]
    assert told[:2] == [f"CUDA_HOME={root}", "TORCH_CUDA_ARCH_LIST=8.9"]
    assert told[2] == r"CUDA_HOME=C:\before"
    assert not [line for line in told[3:] if "_TORCHSMITH" in line or "ARCH_LIST" in line]
