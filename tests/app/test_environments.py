"""``check --all``: every environment once, by whatever path it is reached."""

from pathlib import Path

from torchsmith.app import environments
from torchsmith.host.local import LocalHost


def _python(path: Path, head: str = "\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head)
    path.chmod(0o755)
    return path


def _venv(folder: Path) -> Path:
    _python(folder / "bin/python")
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return folder


def test_places(tmp_path: Path) -> None:
    home, cwd, tools = tmp_path / "home", tmp_path / "work", tmp_path / "bin"
    system = _python(tools / "python3.12")
    (tools / "python3").symlink_to(system)
    _python(tools / "python", "#!/bin/sh\n")
    _python(tools / "pythonw-config")
    venvs = [
        cwd / ".venv",
        cwd / "api/.venv",
        home / ".virtualenvs/one",
        home / ".pyenv/versions/3.11.7",
        home / ".local/pipx/venvs/tool",
    ]
    for folder in venvs:
        _venv(folder)
    conda = tmp_path / "conda/envs/ml"
    _python(conda / "bin/python")
    (conda / "conda-meta").mkdir()
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_text(f"{conda}\n{tmp_path}/gone\n")
    environ = {"PATH": str(tools), "HOME": str(home), "VIRTUAL_ENV": str(cwd / ".venv")}
    host = LocalHost(environ=environ, cwd=str(cwd))
    listed = [environments.identity(host, python) for python, _ in environments.found(host, windows=False)]
    assert set(listed) - {None} == {str(system), str(conda), *map(str, venvs)}
    assert None in listed  # the shim


def test_a_venv_is_not_its_base(tmp_path: Path) -> None:
    base = _python(tmp_path / "base/bin/python3")
    venv = _venv(tmp_path / "e")
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to(base)
    host = LocalHost(environ={})
    assert environments.identity(host, f"{venv}/bin/python") == str(venv)
    assert environments.identity(host, str(base)) == str(base)
