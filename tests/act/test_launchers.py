"""Launchers of Windows, as the real pip and the real uv write them: made for one path, moved to another."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.act.trees import wheel
from tests.lab import tools, wine

from torchsmith.act import launchers, rewrite

PIP = """
import sys
from pip._vendor.distlib.scripts import ScriptMaker
for folder, python in zip(sys.argv[1::2], sys.argv[2::2]):
    maker = ScriptMaker(None, folder)
    maker.executable, maker.variants = python, {""}
    maker.make("app-say = app:main")
"""
STUB = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved) { return TRUE; }
"""
"""What Wine 8 lacks and uv needs."""
COMPILER = "x86_64-w64-mingw32-gcc"


@pytest.fixture(scope="module")
def windows() -> Iterator[wine.Windows]:
    reason = wine.available()
    if reason:
        pytest.skip(reason)
    with wine.prefix() as prefix:
        yield wine.python(prefix)


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """uv for Windows, of the version that is here."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"{COMPILER} is not here: Wine needs a stub to run uv")
    folder = tmp_path_factory.mktemp("uv")
    version = subprocess.run([tools.uv("launchers"), "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    words = ("download", "-q", "--no-deps", "--only-binary", ":all:", "--platform", "win_amd64", "-d", folder, f"uv=={version}")
    done = tools.attempt(sys.executable, "-m", "pip", *words)
    if done.returncode != 0:
        pytest.skip(f"uv for Windows: {tools.last_line(done)}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        (folder / "uv.exe").write_bytes(archive.read(f"uv-{version}.data/scripts/uv.exe"))
    (folder / "stub.c").write_text(STUB)
    library, source = folder / "bcryptprimitives.dll", folder / "stub.c"
    subprocess.run([COMPILER, "-shared", "-o", library, source, "-ladvapi32"], check=True)
    return folder / "uv.exe"


@pytest.mark.slow
def test_pip_writes_the_same_launcher_at_the_other_path(windows: wine.Windows, tmp_path: Path) -> None:
    words = []
    for name in ("env", "longer env"):
        (tmp_path / name / "Scripts").mkdir(parents=True)
        root = wine.windows_path(tmp_path / name)
        words += [f"{root}\\Scripts", f'"{root}\\Scripts\\python.exe"']
    done = windows.run(["-c", PIP, *words])
    assert done.returncode == 0, done.stderr
    made, wanted = (_launcher(tmp_path / name) for name in ("longer env", "env"))
    found = launchers.moved(made, _move(tmp_path))
    assert found is not None
    assert _apart_from_times(found) == _apart_from_times(wanted)


@pytest.mark.slow
@pytest.mark.online
def test_a_moved_launcher_of_uv_starts_the_other_python(windows: wine.Windows, uv: Path, tmp_path: Path) -> None:
    package = wheel(tmp_path, body="import sys\ndef main():\n    print(sys.prefix)\n")
    cache = {"UV_CACHE_DIR": wine.windows_path(tmp_path / "cache")}
    for name in ("env", "longer env"):
        prefix = wine.windows_path(tmp_path / name)
        python = f"{prefix}\\Scripts\\python.exe"
        for words in (
            ["venv", "--offline", "--python", wine.windows_path(windows.python), prefix],
            ["pip", "install", "--offline", "--no-index", "--python", python, wine.windows_path(package)],
        ):
            done = windows.start([str(uv), *words], cache)
            assert done.returncode == 0, done.stderr
    made = _launcher(tmp_path / "longer env")
    found = launchers.moved(made, _move(tmp_path))
    assert found is not None
    assert len(found) == len(made)
    assert not _move(tmp_path).within(found)
    (tmp_path / "env" / "Scripts" / "app-say.exe").write_bytes(found)
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        assert archive.testzip() is None
    shutil.rmtree(tmp_path / "longer env")
    done = windows.start([str(tmp_path / "env" / "Scripts" / "app-say.exe")])
    assert done.stdout.strip() == wine.windows_path(tmp_path / "env"), done.stderr


def test_the_older_launcher_of_uv_ends_with_the_path() -> None:
    move = rewrite.move(r"C:\Users\Jö B\env\.torchsmith\run-3", r"C:\Users\Jö B\env")

    def made(root: str) -> bytes:
        path = f"{root}\\Scripts\\python.exe".encode()
        return b"MZ" + b"\0" * 99 + path + len(path).to_bytes(4, "little") + b"UVSC"

    assert launchers.moved(made(move.old), move) == made(move.new)
    assert launchers.moved(made(move.old.replace("Users", "USERS")), move) == made(move.new)


def test_what_is_no_launcher_is_left_alone() -> None:
    move = rewrite.move("C:\\a", "C:\\b")
    for data in (b"MZ no launcher", b"\x7fELF", b"MZ" + b"PK\x05\x06", b"MZ" + "UV_PYTHON_PATH".encode("utf-16-le") + b"C:\\a"):
        assert launchers.moved(data, move) is None


def _move(folder: Path) -> rewrite.Move:
    return rewrite.move(wine.windows_path(folder / "longer env"), wine.windows_path(folder / "env"))


def _launcher(prefix: Path) -> bytes:
    return (prefix / "Scripts" / "app-say.exe").read_bytes()


def _apart_from_times(launcher: bytes) -> tuple[bytes, dict[str, bytes], int]:
    """The zip notes when it was made."""
    with zipfile.ZipFile(io.BytesIO(launcher)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return launcher[: launcher.find(b"PK\x03\x04")], members, len(launcher)
