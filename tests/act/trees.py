"""Small environments and wheels for the tests of clones: made without a network, installed by the real pip and uv."""

import base64
import ensurepip
import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from tests.lab.tools import uv

NAMES = {
    "plain": "plain",
    "a space": "with space",
    "a quote": "it's",
    "other letters": "kÄse 日本",
    "what addresses escape": "100%~@x+[1]",
    "long only where the clone is": "m" * 45,
    "too long for a first line": "l" * 120,
    "too long and a space": "l" * 60 + " " + "m" * 60,
}
"""Folders in which environments stand."""

_BACKEND = """
import os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "ed-1-py3-none-any.whl"
    info = "ed-1.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("ed.pth", os.getcwd() + "\\n")
        wheel.writestr("ed_finder.py", f"MAPPING = {{'ed': {os.getcwd()!r}}}\\n")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: ed\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        rows = ["ed.pth,,", "ed_finder.py,,", *(f"{info}{file},," for file in ("METADATA", "WHEEL", "RECORD"))]
        wheel.writestr(info + "RECORD", "\\n".join(rows))
    return name
"""
_PYPROJECT = (
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "ed"\nversion = "1"\n'
)

Tree = dict[str, tuple[int, bytes]]


def environment(prefix: Path) -> Path:
    """A virtual environment without pip."""
    venv.create(prefix, symlinks=True, with_pip=False)
    return prefix


def site(prefix: Path) -> Path:
    return next((prefix / "lib").glob("python3.*")) / "site-packages"


def wheel(folder: Path, name: str = "app", version: str = "1.0", body: str = "def main():\n    print('hi')\n") -> Path:
    """A wheel with all that an installer writes a path into: entry points, scripts of its own, data files."""
    info, data = f"{name}-{version}.dist-info", f"{name}-{version}.data"
    files = {
        f"{name}/__init__.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-say = {name}:main\n[gui_scripts]\n{name}-win = {name}:main\n",
        f"{data}/scripts/{name}-old": "#!python\nprint('old')\n",
        f"{data}/scripts/{name}-sh": "#!/bin/sh\necho\n",
        f"{data}/data/share/{name}/x.txt": "data",
    }
    record = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items()) + f"{info}/RECORD,,\n"
    made = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return made


def editable(folder: Path) -> Path:
    """A project that is installed as editable, by a builder of its own."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(_PYPROJECT)
    (folder / "backend.py").write_text(_BACKEND)
    return folder


def install(tool: str, prefix: Path, *words: str | Path) -> None:
    """By pip or uv, as a person would, from files alone."""
    python = prefix / "bin" / "python"
    if tool == "pip":
        bundled = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
        command: list[str | Path] = [sys.executable, bundled / "pip", "--python", python, "install", "--no-compile"]
    else:
        command = [uv("relocation"), "pip", "install", "--python", python]
    hidden = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "VIRTUAL_ENV", "PYTHON"))}
    env = hidden | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        [*command, "--no-index", *words], capture_output=True, text=True, env=env, cwd=prefix.parent, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def contents(tree: Path) -> Tree:
    """Every path with its mode and bytes; links with what they say; Python's own cache left out."""
    found: Tree = {}
    for path in sorted(tree.rglob("*")):
        about, name = path.lstat(), str(path.relative_to(tree))
        if path.is_symlink():
            found[name] = about.st_mode, os.fsencode(path.readlink())
        elif path.is_file():
            found[name] = about.st_mode, path.read_bytes()
        else:
            found[name] = about.st_mode, b""
    return {name: seen for name, seen in found.items() if "__pycache__" not in name}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
