"""Seed 000 on Windows: `apply` and `undo` as they are called, by a Windows Python under Wine, on its real registry."""

from __future__ import annotations

import subprocess
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.wine import Windows, windows_path
from tests.managers import index

pytestmark = [pytest.mark.online, pytest.mark.slow]

SOURCE = Path(__file__).parents[1] / "src"
ROOT = r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v13.0"
FILES = ("bin/nvcc.exe", *(f"include/{name}.h" for name in ("cuda", "cuda_runtime", "cublas_v2", "cusparse", "cusolverDn")))
PARTS = [*(rf"C:\very\long\directory\number{number:04d}\bin" for number in range(70)), "", r"%USERPROFILE%\bin", r"C:\tools"]


@dataclass
class Machine:
    """A toolkit where NVIDIA's installer puts it, an environment with a whole torch, and a long Path of the user."""

    windows: Windows
    root: Path

    def prepare(self) -> None:
        toolkit = self.windows.wine_prefix / "drive_c/Program Files/NVIDIA GPU Computing Toolkit/CUDA/v13.0"
        for name in FILES:
            (toolkit / name).parent.mkdir(parents=True, exist_ok=True)
            (toolkit / name).write_text("")
        (toolkit / "version.json").write_text('{"cuda": {"name": "CUDA SDK", "version": "13.0.1"}}')
        made = self.windows.run(["-m", "venv", "--without-pip", self.root / "my env"])
        assert made.returncode == 0, made.stderr
        site = self.root / "my env" / "Lib" / "site-packages"
        site.mkdir(parents=True, exist_ok=True)
        index.whole(self.root / "index", "2.14.1+cu130", "0.29.1+cu130", "13.0")
        here, there = f"_C.{sysconfig.get_config_var('SOABI')}.so", "_C.cp311-win_amd64.pyd"
        for wheel in (self.root / "index").rglob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
        (site / "torch" / here).rename(site / "torch" / there)
        for record in site.glob("*/RECORD"):
            record.write_text(record.read_text().replace(here, there))
        for name, kind, text in (("Path", "REG_EXPAND_SZ", ";".join(PARTS)), ("CUDA_HOME", "REG_SZ", r"C:\gone")):
            self.windows.start(["reg", "add", r"HKCU\Environment", "/v", name, "/t", kind, "/d", text, "/f"])

    def torchsmith(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {"PYTHONPATH": windows_path(SOURCE), "LOCALAPPDATA": windows_path(self.root / "state")}
        return self.windows.run(["-m", "torchsmith", *words], env=environ, limit=300)

    def apply(self) -> subprocess.CompletedProcess[str]:
        return self.torchsmith(
            *("apply", "--yes", "--python", windows_path(self.root / "my env" / "Scripts" / "python.exe"), "--wait", "30"),
            *("--goal", "extension-build", "--torch", "2.14.1", "--approach", "user-path"),
            *("--assume", "gpu=RTX 5070 Ti", "--assume", "driver=581.57"),
        )

    def settings(self) -> list[str]:
        """The user's variables, as another program sees them."""
        told = self.windows.start(["reg", "query", r"HKCU\Environment"]).stdout.splitlines()
        return sorted(line.strip() for line in told if " REG_" in line)


def test_a_toolkit_for_all_that_the_user_starts(windows: Windows, tmp_path: Path) -> None:
    machine = Machine(windows, tmp_path)
    machine.prepare()
    before = machine.settings()
    assert any(r"%USERPROFILE%\bin" in line and "REG_EXPAND_SZ" in line for line in before)
    ran = machine.apply()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "CUDA_HOME in a new process" in ran.stdout
    after = machine.settings()
    assert f"CUDA_HOME    REG_SZ    {ROOT}" in after
    assert f"CUDA_PATH    REG_SZ    {ROOT}" in after
    text = ";".join([rf"{ROOT}\bin", rf"{ROOT}\bin\x64", *PARTS])
    assert f"Path    REG_EXPAND_SZ    {text}" in after
    again = machine.apply()
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "Nothing to do")
    assert machine.settings() == after
    undone = machine.torchsmith("undo")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert machine.settings() == before
