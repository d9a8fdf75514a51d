"""Who uses an environment: real processes on Linux, and what other systems print of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from torchsmith.act import users, users_windows
from torchsmith.act.users import Prefix, of_lsof, of_ps, shown

linux = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="there is no /proc here")

WAIT = "import sys, time; print('ready', flush=True); time.sleep(60)"
DETACHED = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment whose Python is a link to the one that runs the tests."""
    folder = tmp_path / "env"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").mkdir()
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    (folder / "lib" / "data.bin").write_bytes(bytes(8192))
    return folder


@contextmanager
def stranger(*argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Iterator[int]:
    """A process that is none of ours: started by a child that has ended."""
    words = [str(word) for word in argv]
    read, write = os.pipe()
    subprocess.run([sys.executable, "-c", DETACHED, *words], stdout=write, check=True, cwd=cwd, env=env)
    os.close(write)
    with os.fdopen(read) as told:
        pid = int(told.readline())
        assert told.readline().strip() == "ready"
        try:
            yield pid
        finally:
            os.kill(pid, 9)


def using(prefix: Path) -> list[int]:
    return [int(line.split()[1]) for line in users.users(prefix)]


@linux
def test_nobody_uses_an_environment_that_nobody_uses(prefix: Path) -> None:
    assert users.users(prefix) == ()


HOLDERS: dict[str, str] = {
    "an open file": f"file = open(sys.argv[1] + '/lib/data.bin'); {WAIT}",
    "a mapped library": (
        "import mmap; file = open(sys.argv[1] + '/lib/data.bin', 'rb');"
        f"held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); file.close(); {WAIT}"
    ),
    "its folder": f"import os; os.chdir(sys.argv[1] + '/lib'); {WAIT}",
    "a file that is gone since": (
        f"import os; file = open(sys.argv[1] + '/lib/data.bin'); os.unlink(sys.argv[1] + '/lib/data.bin'); {WAIT}"
    ),
}


@linux
@pytest.mark.parametrize("code", HOLDERS.values(), ids=HOLDERS.keys())
def test_a_stranger_that_holds_something_of_it_is_told(prefix: Path, code: str) -> None:
    with stranger(sys.executable, "-c", f"import sys; {code}", prefix) as pid:
        assert using(prefix) == [pid]
        assert users.users(prefix.parent / "another") == ()
    assert using(prefix) == []


STARTED: dict[str, Callable[[Path], tuple[tuple[str, ...], dict[str, str]]]] = {
    "by its path": lambda prefix: ((str(prefix / "bin" / "python"), "-c", WAIT), {}),
    "by its name on PATH": lambda prefix: (
        ("/usr/bin/env", "python", "-c", WAIT),
        {"PATH": f"{prefix / 'bin'}:{os.environ['PATH']}"},
    ),
}


@linux
@pytest.mark.parametrize("how", STARTED.values(), ids=STARTED.keys())
def test_a_python_of_it_is_a_user_though_its_program_lies_outside(
    prefix: Path, how: Callable[[Path], tuple[tuple[str, ...], dict[str, str]]]
) -> None:
    argv, env = how(prefix)
    with stranger(*argv, env=dict(os.environ) | env) as pid:
        told = users.users(prefix)
        assert [line.split()[1] for line in told] == [str(pid)]
        assert told[0].startswith(f"pid {pid} python -c import sys, time")


@linux
def test_a_script_of_it_is_a_user(prefix: Path) -> None:
    script = prefix / "bin" / "serve"
    script.write_text(f"#!{prefix}/bin/python\n{WAIT}\n")
    script.chmod(0o755)
    with stranger(script) as pid:
        assert using(prefix) == [pid]


@linux
def test_an_environment_behind_a_link_is_the_same(prefix: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(prefix)
    with stranger(link / "bin" / "python", "-c", WAIT) as pid:
        assert using(link) == [pid]


@linux
def test_our_own_processes_do_not_count(prefix: Path) -> None:
    """Neither what this process started, nor, seen from a child of the environment, those above it."""
    child = subprocess.Popen([prefix / "bin" / "python", "-c", WAIT], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        assert users.users(prefix) == ()
        code = "import sys; from pathlib import Path; from torchsmith.act.users import users; print(users(Path(sys.argv[1])))"
        above = f"import subprocess, sys; subprocess.run([{sys.executable!r}, '-c', {code!r}, sys.argv[1]], check=True)"
        done = subprocess.run([prefix / "bin" / "python", "-I", "-c", above, prefix], capture_output=True, text=True, check=True)
        told = [word for word in done.stdout.replace("(", " ").replace("'", " ").split() if word.isdigit()]
        assert told == [str(child.pid)]  # it is no relative of that process
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


@linux
def test_the_look_ends_when_its_time_is_over(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stranger(prefix / "bin" / "python", "-c", WAIT) as pid:
        assert using(prefix) == [pid]
        monkeypatch.setattr(users, "LIMIT", 0.0)
        assert using(prefix) == []


def test_a_command_is_one_line_without_passwords() -> None:
    words = [
        "/opt/env/bin/python",
        "-m",
        "pip",
        "install",
        "--index-url",
        "https://me:secret@index.example/simple",
        "x\ny",
        "z" * 200,
    ]
    said = shown(words)
    assert said.startswith("python -m pip install --index-url https://")
    assert "secret" not in said
    assert "\n" not in said
    assert len(said) <= 120
    assert shown([]) == ""


# ---- other systems

PS = """\
    1     0 /sbin/launchd
  400     1 -zsh
  501   400 /Users/me/env/bin/python train.py --epochs 3
  502   400 /usr/bin/vim notes.txt
  600   400 /opt/torchsmith/bin/python -m torchsmith apply
  601   600 /Users/me/env/bin/python probe.py
"""
LSOF = """\
p400
czsh
n/Users/me
p502
cvim
n/Users/me/env/lib/python3.12/site-packages/torch/__init__.py
p503
cjupyter
n/Users/me/env/lib/libc10.dylib
n/Users/me/env
p504
cother
n/Users/me/env-two/lib/libc10.dylib
p600
cPython
n/Users/me/env/bin
"""


def test_what_macos_prints() -> None:
    commands = of_ps(PS)
    assert commands[501] == (400, "/Users/me/env/bin/python train.py --epochs 3")
    assert of_lsof(LSOF, Prefix(("/Users/me/env",)), commands, 600) == {
        501: "python train.py --epochs 3",
        502: "vim notes.txt",
        503: "jupyter",
    }


def test_junk_of_macos_is_nobody() -> None:
    junk = "p\npabc\nn/Users/me/env\nc\n\nn\np1\n\x00\x1b[31m"
    assert of_lsof(junk, Prefix(("/Users/me/env",)), of_ps("a b c\n\n1\n"), 7) == {}


def test_a_path_of_windows_is_below_whatever_its_case() -> None:
    prefix = Prefix(("C:\\Users\\Me\\env",))
    assert users_windows.holds(prefix, "c:\\users\\ME\\Env\\Lib\\x.pyd")
    assert users_windows.holds(prefix, "C:/Users/me/env/python.exe")
    assert not users_windows.holds(prefix, "C:\\Users\\Me\\env-two\\python.exe")
    assert not users_windows.holds(prefix, "C:\\Users\\Me\\env")


def test_a_family_is_what_is_above_and_below() -> None:
    parents = {1: 0, 2: 1, 3: 2, 4: 3, 5: 2, 6: 6, 7: 8, 8: 7}
    assert users_windows.family(3, parents) == {1, 2, 3, 4}
    assert users_windows.family(6, parents) == {6}
