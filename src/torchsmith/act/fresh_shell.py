"""What a program that is started now would see: the variables of a new login shell, or those that Windows gives a new process.

A change of variables cannot be seen in the process that made it, nor in what was started before: so it is verified in a new one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torchsmith.model.transaction import Transaction

    Check = tuple[str, bool, str]
    Checks = tuple[Check, ...]

FRAME = "\x02"
"""Around the answer: what the user's own files print at the start of a shell stands before it."""

PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_CODE = "import json,os;print(chr(2)+json.dumps(dict(os.environ))+chr(2),flush=True)"
_POSIX = 'exec "$TORCHSMITH_PYTHON" -I -c "$TORCHSMITH_CODE"'
_APART = """import os, signal, sys, time
limit = float(sys.argv[1])
child = os.fork()
if not child:
    os.setsid()
    signal.alarm(int(limit) + 2)
    os.execv(sys.argv[2], sys.argv[2:])
ends = time.monotonic() + limit
while not os.waitpid(child, os.WNOHANG)[0] and time.monotonic() < ends:
    time.sleep(0.01)
try:
    os.killpg(child, signal.SIGKILL)
except OSError:
    pass
"""
_OWN = ("TORCHSMITH_PYTHON", "TORCHSMITH_CODE")
_KEPT = ("USER", "LOGNAME", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "ZDOTDIR", "SystemRoot")
_WINDOWS_TOKEN_QUERY = 0x0008 | 0x0002  # TOKEN_QUERY | TOKEN_DUPLICATE
_MOST_PARENTS = 32
_LOGIN_FILES = frozenset({".profile", ".bash_profile", ".bash_login"})
_IN_HOME = _LOGIN_FILES | {".bashrc", ".zshenv"}
_SET = pattern(r"export (\w+)=(.*)|set -gx (\w+) '(.*)'|\$env:(\w+) = '(.*)'")


def of_shell(
    shell: str, home: str, environ: Mapping[str, str], *, login: bool = True, limit: float = 10.0, script: str = ""
) -> dict[str, str] | None:
    """The variables of a new shell of this user, started from next to nothing; None where it does not answer.

    ``shell`` is a name or a path; ``login`` says which files it reads: those of a login shell, or those of one that somebody
    types in. ``script`` is read in it first.
    """
    import shutil

    from torchsmith.host import spawn

    found = shutil.which(shell, path=environ.get("PATH") or PLAIN_PATH)
    if found is None:
        return None
    started = {name: environ[name] for name in _KEPT if name in environ}
    started |= {"HOME": home, "SHELL": found, "TERM": "dumb", "PATH": PLAIN_PATH}
    started |= dict(zip(_OWN, (sys.executable, _CODE), strict=True))
    words = _words(Path(found).name, login=login)
    if script:
        started["TORCHSMITH_SCRIPT"] = script
        words = ("-c", f'. "$TORCHSMITH_SCRIPT"; {_POSIX}')
    # A shell that takes itself for somebody's would stop and wait for the terminal that we are at.
    apart = (sys.executable, "-I", "-c", _APART, str(limit)) if words[0] == "-i" else ()
    try:
        _, out, _ = spawn.run([*apart, found, *words], limit + (1 if apart else 0), started, home if Path(home).is_dir() else "")
    except spawn.NoAnswer:
        return None
    return parsed(out)


def _words(name: str, *, login: bool) -> tuple[str, ...]:
    """The options of a shell, and a command that every one of them understands."""
    if name in {"pwsh", "powershell"}:
        return (*(("-Login",) if login else ()), "-Command", "& $env:TORCHSMITH_PYTHON -I -c $env:TORCHSMITH_CODE")
    return ("-l" if login else "-i", "-c", _POSIX)


def parsed(out: str) -> dict[str, str] | None:
    """The variables in the frame, without our own; None where there is no answer."""
    import json

    rest = out.rpartition(FRAME)[0].rpartition(FRAME)[2]
    try:
        answer = json.loads(rest)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    return {str(name): str(value) for name, value in answer.items() if not name.startswith("TORCHSMITH_")}


def of_windows() -> dict[str, str] | None:
    """What Windows puts together for a new process of this user: the machine's variables, then the user's, expanded.

    Source: https://learn.microsoft.com/windows/win32/api/userenv/nf-userenv-createenvironmentblock
    """
    if sys.platform != "win32":
        return None
    import ctypes

    loader: Any = ctypes
    kernel, advapi, userenv = (loader.WinDLL(name, use_last_error=True) for name in ("kernel32", "advapi32", "userenv"))
    pointer = ctypes.c_void_p
    kernel.GetCurrentProcess.restype = pointer
    advapi.OpenProcessToken.argtypes = [pointer, ctypes.c_ulong, pointer]
    userenv.CreateEnvironmentBlock.argtypes = [pointer, pointer, ctypes.c_int]
    userenv.DestroyEnvironmentBlock.argtypes = [pointer]
    kernel.CloseHandle.argtypes = [pointer]
    token, block = pointer(), pointer()
    if not advapi.OpenProcessToken(kernel.GetCurrentProcess(), _WINDOWS_TOKEN_QUERY, ctypes.byref(token)):
        return None
    try:
        if not userenv.CreateEnvironmentBlock(ctypes.byref(block), token, 0) or not block.value:
            return None
        try:
            return _block(block.value)
        finally:
            userenv.DestroyEnvironmentBlock(block)
    finally:
        kernel.CloseHandle(token)


def _block(address: int) -> dict[str, str]:
    """Texts one behind the other, each ended by a zero, the last one empty."""
    import ctypes

    found: dict[str, str] = {}
    while text := ctypes.wstring_at(address):
        name, equals, value = text[1:].partition("=")  # the first letter may be "=" itself: =C: is cmd's own
        if equals:
            found[text[0] + name] = value
        address += 2 * (len(text.encode("utf-16-le", "surrogatepass")) // 2 + 1)
    return found


def checks(transaction: Transaction, environ: Mapping[str, str]) -> Checks:
    """(name, passed, what was found): whether new programs see the variables that a transaction sets; empty where it sets none.

    A shell that does not answer in time is no failure of the change: that is said, and passes.
    """
    if sys.platform == "win32":
        return _of_registry(transaction)
    return tuple(
        check for edit in transaction.edits for check in _of_file(edit.path, _promised(edit.text or ""), edit.text or "", environ)
    )


def _of_registry(transaction: Transaction) -> Checks:
    """Of values that Windows does not put together: the user's Path stands behind the machine's, and is read back as a value."""
    wanted = {
        edit.name: edit.after[1]
        for edit in transaction.registry
        if edit.key.casefold() == "environment"
        and edit.after is not None
        and "%" not in edit.after[1]
        and edit.name.casefold() != "path"
    }
    seen = of_windows() if wanted else None
    if seen is None:
        return ()
    folded = {name.casefold(): value for name, value in seen.items()}
    return tuple(
        (f"{name} in a new process", folded.get(name.casefold()) == value, folded.get(name.casefold(), "not set"))
        for name, value in wanted.items()
    )


def _of_file(path: str, wanted: Mapping[str, str], text: str, environ: Mapping[str, str]) -> Iterator[Check]:
    asked = _asked(path, environ) if wanted else None
    if asked is None:
        return
    shell, seen = asked
    if seen is None:
        yield f"variables in a new {shell}", True, f"{shell} did not answer in time: look there yourself"
        return
    for name, value in wanted.items():
        yield f"{name} in a new {shell}", seen.get(name) == value, seen.get(name, "not set")
    folder = f"{wanted.get('CUDA_HOME', '')}/bin"
    if folder in text and folder != "/bin":
        count = seen.get("PATH", "").split(":").count(folder)
        yield f"PATH in a new {shell}", count == 1, f"{folder} {'once' if count == 1 else f'{count} times'}"


def _asked(path: str, environ: Mapping[str, str]) -> tuple[str, dict[str, str] | None] | None:
    """The shell that reads this file, and the variables of a new one; None for a file that no new shell reads by itself."""
    name, home = os.path.basename(path), environ.get("HOME", "")
    if name in _IN_HOME and os.path.dirname(path) != environ.get("ZDOTDIR", "").rstrip("/"):
        home = os.path.dirname(path)
    if name == "activate":
        return "bash with the environment active", of_shell("bash", home, environ, login=False, script=path)
    if name in _LOGIN_FILES | {".bashrc"}:
        login = name in _LOGIN_FILES
        shell = os.path.basename(environ.get("SHELL", "")) or "bash"
        shell = shell if login and shell in {"dash", "sh", "ksh", "mksh"} else "bash"
        return f"login {shell}" if login else shell, of_shell(shell, home, environ, login=login)
    shell = {".zshenv": "zsh", "config.fish": "fish", "profile.ps1": "pwsh"}.get(name, "")
    return (shell, of_shell(shell, home, environ)) if shell else None


def _promised(text: str) -> dict[str, str]:
    """The variables that our block in a file sets."""
    import shlex

    from torchsmith.managers.edits import blocks
    from torchsmith.managers.edits.base import EditError

    try:
        block = blocks.found(text)
    except EditError:
        return {}
    found = {}
    for line in block.body if block is not None else ():
        if matched := _SET.fullmatch(line):
            if matched[1]:
                found[matched[1]] = "".join(shlex.split(matched[2]))
            elif matched[3]:
                found[matched[3]] = matched[4].replace("\\'", "'").replace("\\\\", "\\")
            else:
                found[matched[5]] = matched[6].replace("''", "'")
    return found


def parents() -> tuple[str, ...]:
    """The programs above this process, nearest first: ``bash (pid 4711)``; they were started before, with the old variables."""
    found: list[str] = []
    pid = os.getppid()
    while pid > 1 and len(found) < _MOST_PARENTS:
        try:
            text = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace")
        except OSError:
            break
        name, _, rest = text.partition("(")[2].rpartition(")")  # a name may hold brackets itself
        found.append(f"{name} (pid {pid})")
        pid = int(rest.split()[1])
    return tuple(found)
