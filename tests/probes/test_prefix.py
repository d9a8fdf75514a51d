"""Environments told from their folders alone, of Linux, Windows and macOS."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchsmith.host.local import LocalHost
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.known import Known
from torchsmith.probes.prefix import around, prefix

VENV = "home = C:\\Python311\nversion = 3.11.9\n"
VIRTUALENV = "home = /usr/bin\nversion_info = 3.12.4.final.0\n"
UV = "home = /Users/me/.local/share/uv/python/cpython-3.12.1-macos-aarch64-none/bin\nversion_info = 3.12.1\n"


def made(root: Path, *files: str, settings: str = "") -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    if settings:
        (root / "pyvenv.cfg").write_text(settings)
    return root


def of(root: Path) -> Interpreter:
    found = prefix(LocalHost(), str(root))
    assert isinstance(found, Known)
    assert found.value is not None
    return found.value


@pytest.mark.parametrize(
    ("files", "settings", "kind", "executable", "version", "tag", "base"),
    [
        (
            ("python.exe", "python312.dll", "python3.dll", "Scripts/pip.exe"),
            "",
            "system",
            "python.exe",
            "3.12",
            "cpython-312",
            "",
        ),
        (("python.exe", "python313t.dll", "conda-meta/history"), "", "conda", "python.exe", "3.13", "cpython-313t", ""),
        (("Scripts/python.exe",), VENV, "venv", "Scripts/python.exe", "3.11.9", "cpython-311", "C:/Python311"),
        (("Scripts/python.exe",), "", "system", "Scripts/python.exe", "", "", ""),
        (("Scripts/python.exe",), "version = ../../x\n", "venv", "Scripts/python.exe", "", "", ""),
    ],
)
def test_windows(
    tmp_path: Path, files: tuple[str, ...], settings: str, kind: str, executable: str, version: str, tag: str, base: str
) -> None:
    root = made(tmp_path, "Lib/site-packages/numpy/__init__.py", *files, settings=settings)
    found = of(root)
    assert (found.platform, found.kind, found.version, found.cache_tag) == ("win32", kind, version, tag)
    assert found.executable == f"{root}/{executable}"
    assert found.base_prefix == (base or str(root))
    assert found.site_packages == (f"{root}/Lib/site-packages",)
    assert around(LocalHost(), f"{root}/Lib/site-packages/numpy/_core/x.pyd")[1] == found


def test_a_mac_of_its_own(tmp_path: Path) -> None:
    found = of(made(tmp_path, "lib/python3.12/site-packages/x.py", "lib/libpython3.12.dylib"))
    assert (found.platform, found.version, found.executable) == ("darwin", "3.12", f"{tmp_path}/bin/python3.12")


def test_posix(tmp_path: Path) -> None:
    found = of(made(tmp_path, "lib/python3.12/site-packages/x.py", settings=UV))
    assert (found.version, found.tag, found.kind) == ("3.12.1", "cp312", "venv")
    assert found.base_prefix == "/Users/me/.local/share/uv/python/cpython-3.12.1-macos-aarch64-none"


def test_what_virtualenv_writes(tmp_path: Path) -> None:
    assert of(made(tmp_path, "lib/python3.12/site-packages/x.py", settings=VIRTUALENV)).version == "3.12.4"


def test_no_environment(tmp_path: Path) -> None:
    found = prefix(LocalHost(), str(made(tmp_path, "numpy/__init__.py")))
    assert isinstance(found, Known)
    assert found.value is None
