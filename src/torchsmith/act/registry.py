"""The user's own part of Windows' registry: a port, Windows' own, and one in memory for what has no Windows.

Keys lie below HKEY_CURRENT_USER, which needs no elevation: ``Environment`` holds the user's variables. A text keeps its type:
a PATH of REG_EXPAND_SZ that is written as REG_SZ loses what its ``%NAMES%`` stand for. ``setx`` is not used: it cuts at 1,024
characters.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module

from torchsmith.model.errors import StaleError, TorchsmithError
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from torchsmith.model.transaction import RegistryEdit

    Text = tuple[str, str]

    class Registry(Protocol):
        """What ``apply`` and ``undo`` ask of a registry. A value is a (type, text) pair; None says that there is none."""

        def read(self, key: str, name: str) -> Text | None:
            """The value as it stands, its ``%NAMES%`` unexpanded."""

        def write(self, key: str, name: str, value: Text | None) -> None:
            """Put this value there; None takes it away."""

        def broadcast(self) -> str:
            """Tell running programs that variables have changed; what is to be said of it, empty where all heard it."""

        def refusal(self, key: str) -> str:
            """Why this user may not write there, asked without writing; empty where it may."""


TEXTS = ("REG_SZ", "REG_EXPAND_SZ")
"""The types of value that are read and written."""

LONGEST = 32767
"""The most characters that Windows lets a variable have, its end included.

Source: https://learn.microsoft.com/windows/win32/api/processenv/nf-processenv-setenvironmentvariablew
"""

UNHEARD = "a program did not answer Windows' message that variables have changed; those that are started anew see them"
_SHOWN = 200
_MILLISECONDS = 1000
_HWND_BROADCAST, _WM_SETTINGCHANGE, _SMTO_ABORTIFHUNG = 0xFFFF, 0x1A, 2


class RegistryError(TorchsmithError):
    """A value of the registry is none that torchsmith changes, or reads otherwise than it was written.

    A run that meets it after its decision ends as one that failed (5).
    """

    exit_code = 2


def change(registry: Registry, edit: RegistryEdit) -> bool:
    """Bring one value from ``before`` to ``after``, and read it back; False where it is there already.

    Raises:
        StaleError: the value is neither of both.
        RegistryError: what is read back is not what was written.
        PermissionError: this user may not write there.

    """
    found = registry.read(edit.key, edit.name)
    if found == edit.after:
        return False
    if found != edit.before:
        raise StaleError(f"{where(edit)} is {told(found)} now, and was {told(edit.before)} when the change was planned")
    registry.write(edit.key, edit.name, edit.after)
    read_back = registry.read(edit.key, edit.name)
    if read_back != edit.after:
        raise RegistryError(f"{where(edit)} was written and reads as {told(read_back)}, not as {told(edit.after)}")
    return True


def reversed_edit(edit: RegistryEdit) -> RegistryEdit:
    """The edit that takes this one back."""
    return replace(edit, before=edit.after, after=edit.before, why=f"takes back: {edit.why}")


def taken_back(registry: Registry, edit: RegistryEdit) -> str:
    """Put ``before`` back where ``after`` stands; what somebody else has put there since stays, and is told."""
    found = registry.read(edit.key, edit.name)
    if found in {edit.before, edit.after}:
        change(registry, reversed_edit(edit))
        return ""
    return f"{where(edit)} is {told(found)} now, which is none of ours: it is left as it is"


def where(edit: RegistryEdit) -> str:
    r"""``HKEY_CURRENT_USER\Environment\Path``."""
    return f"HKEY_CURRENT_USER\\{edit.key}\\{edit.name}"


def told(value: Text | None) -> str:
    """A value in a message, a long one cut."""
    if value is None:
        return "not set"
    kind, text = value
    return f"{kind} {text!r}" if len(text) <= _SHOWN else f"{kind} {text[:_SHOWN]!r}... ({len(text)} characters)"


def checked(key: str, value: Text | None) -> None:
    """Refuse what is not below the user's own root, and what is no text that Windows can hold.

    Raises:
        RegistryError: always then.

    """
    if key.partition("\\")[0].upper().startswith(("HK", "\\")) or not key or key.startswith("\\"):
        raise RegistryError(f"{key!r} is not a key below HKEY_CURRENT_USER")
    if value is None:
        return
    kind, text = value
    if kind not in TEXTS or "\0" in text or len(text) >= LONGEST:
        raise RegistryError(f"{key}: {told(value)} is no text of at most {LONGEST - 1} characters")


class MemoryRegistry:
    """A registry in memory: types kept, names of keys and values without regard to case, as Windows' own.

    ``forbidden`` are keys that refuse writing with PermissionError (WinError 5), as a policy does; ``meddler`` is called with the
    key and name after each reading, and may change what is there, as another program would; ``forgets`` makes writing do
    nothing; ``deaf`` makes the broadcast run into its time limit. ``log`` tells what was done, in order.
    """

    def __init__(self, values: dict[tuple[str, str], Text] | None = None) -> None:
        self._values: dict[tuple[str, str], tuple[str, Text]] = {}
        for (key, name), value in (values or {}).items():
            self._values[key.lower(), name.lower()] = (name, value)
        self.forbidden: frozenset[str] = frozenset()
        self.meddler: Callable[[str, str], None] | None = None
        self.forgets = False
        self.deaf = False
        self.log: list[tuple[str, str, str]] = []

    @property
    def values(self) -> dict[tuple[str, str], Text]:
        """All values, under the lower-case key and the name as it was first written."""
        return {(key, name): value for (key, _), (name, value) in self._values.items()}

    def read(self, key: str, name: str) -> Text | None:
        """The value as it stands."""
        checked(key, None)
        found = self._values.get((key.lower(), name.lower()))
        self.log.append(("read", key, name))
        if self.meddler is not None:
            self.meddler(key, name)
        return found[1] if found is not None else None

    def write(self, key: str, name: str, value: Text | None) -> None:
        """Put this value there."""
        checked(key, value)
        if self.refusal(key):
            raise PermissionError(errno.EACCES, "Access is denied", f"HKEY_CURRENT_USER\\{key}")
        self.log.append(("write", key, name))
        if not self.forgets:
            self.put(key, name, value)

    def put(self, key: str, name: str, value: Text | None) -> None:
        """Change a value from outside: nothing forbids it, nothing tells of it."""
        if value is None:
            self._values.pop((key.lower(), name.lower()), None)
            return
        known = self._values.get((key.lower(), name.lower()))
        self._values[key.lower(), name.lower()] = (known[0] if known else name, value)

    def broadcast(self) -> str:
        """Say that it was done."""
        self.log.append(("broadcast", "", ""))
        return UNHEARD if self.deaf else ""

    def refusal(self, key: str) -> str:
        """Whether this key is forbidden."""
        return "access is denied" if key.lower() in {each.lower() for each in self.forbidden} else ""


class WindowsRegistry:
    """This user's registry, in its 64-bit view, whatever the Python that looks.

    Raises:
        RegistryError: this is not Windows.

    """

    def __init__(self) -> None:
        if sys.platform != "win32":
            raise RegistryError("only Windows has a registry")
        self._winreg: Any = import_module("winreg")

    def read(self, key: str, name: str) -> Text | None:
        """The value as it stands.

        Raises:
            RegistryError: it is no text, so nothing that torchsmith changes.

        """
        checked(key, None)
        winreg = self._winreg
        try:
            with self._opened(key, winreg.KEY_QUERY_VALUE) as opened:
                text, number = winreg.QueryValueEx(opened, name)
        except FileNotFoundError:
            return None
        kind = {winreg.REG_SZ: "REG_SZ", winreg.REG_EXPAND_SZ: "REG_EXPAND_SZ"}.get(number)
        if kind is None:
            raise RegistryError(f"HKEY_CURRENT_USER\\{key}\\{name} is of type {number}, no text: it is left as it is")
        return kind, text or ""

    def write(self, key: str, name: str, value: Text | None) -> None:
        """Put this value there, and have it on disk.

        Raises:
            PermissionError: Windows does not let this user.

        """
        checked(key, value)
        winreg = self._winreg
        if value is None:
            try:
                with self._opened(key, winreg.KEY_SET_VALUE) as opened:
                    winreg.DeleteValue(opened, name)
                    winreg.FlushKey(opened)
            except FileNotFoundError:
                return
            return
        kind, text = value
        access = winreg.KEY_SET_VALUE | winreg.KEY_WOW64_64KEY
        with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, key, 0, access) as opened:
            winreg.SetValueEx(opened, name, 0, getattr(winreg, kind), text)
            winreg.FlushKey(opened)

    def broadcast(self) -> str:
        """Tell the windows of all programs; one that hangs is not waited for."""
        import ctypes

        loader: Any = ctypes
        send = loader.windll.user32.SendMessageTimeoutW
        send.argtypes = [
            *(ctypes.c_void_p, ctypes.c_uint, ctypes.c_size_t, ctypes.c_wchar_p),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p),
        ]
        send.restype = ctypes.c_ssize_t
        answer = ctypes.c_size_t()
        heard = send(
            *(_HWND_BROADCAST, _WM_SETTINGCHANGE, 0, "Environment"),
            *(_SMTO_ABORTIFHUNG, _MILLISECONDS, ctypes.byref(answer)),
        )
        return "" if heard else UNHEARD

    def refusal(self, key: str) -> str:
        """Why Windows would not let this user write there; a key that is not there is asked of the one above it."""
        checked(key, None)
        at = key
        while at:
            try:
                with self._opened(at, self._winreg.KEY_SET_VALUE):
                    return ""
            except FileNotFoundError:
                at = at.rpartition("\\")[0]
            except OSError as error:
                return error.strerror or str(error)
        return ""

    def _opened(self, key: str, access: int) -> Any:
        winreg = self._winreg
        return winreg.OpenKeyEx(winreg.HKEY_CURRENT_USER, key, 0, access | winreg.KEY_WOW64_64KEY)
