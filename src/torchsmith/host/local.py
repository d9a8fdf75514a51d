"""This machine. The one place that reads files, starts programs and looks at the registry for the probes."""

from __future__ import annotations

import os
import stat as modes
import sys

from torchsmith.host import base
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from torchsmith.host.base import Candidate
    from torchsmith.host.index import Index
    from torchsmith.host.redact import Identity

# A frame around an answer, so that what site hooks, drivers or wrappers print cannot spoil it.
FRAME = "\x02torchsmith\x02"
_KINDS = ((modes.S_ISREG, "file"), (modes.S_ISDIR, "dir"), (modes.S_ISCHR, "device"), (modes.S_ISBLK, "device"))
_MACHINE_PATHS = ("/.dockerenv", "/proc", "/sys", "/dev", "/etc", "/usr", "/var", "/run", "/boot", "/lib", "/opt/rocm")


class LocalHost(base.Host):
    """The machine that runs this process.

    ``root`` moves the machine's own paths (/proc, /sys, /dev, /etc ...) elsewhere: a mounted image, a test's tree.
    ``wait`` is the limit in seconds for each program and library call. A program that did not answer is not asked again.
    """

    def __init__(self, root: str = "", environ: Mapping[str, str] | None = None, wait: float = 2.0, cwd: str = "") -> None:
        self._root = root.rstrip("/")
        self._environ = dict(os.environ if environ is None else environ)
        self._wait = wait
        self._cwd = cwd
        self._silent: dict[str, Unknown] = {}
        self._indexes: dict[str, Index] = {}

    def fetch(self, operation: str, *arguments: Any) -> Fact[Any]:
        """See ``Host.fetch``."""
        method = getattr(self, f"_{operation}")
        try:
            fact: Fact[Any] = method(*arguments)
        except FileNotFoundError:
            return Unknown(base.NO_FILE, tried=(_label(operation, arguments),))
        except OSError as error:
            return Unknown(error.strerror or type(error).__name__, tried=(_label(operation, arguments),))
        except ValueError as error:  # a NUL in a path, or a path that cannot be encoded
            return Unknown(str(error), tried=(_label(operation, arguments),))
        return fact

    def identity(self) -> Identity:
        """See ``Host.identity``."""
        import socket

        from torchsmith.host.redact import Identity

        folders = self.folders()
        home = folders.value["home"] if isinstance(folders, Known) else ""
        user = self._environ.get("USERNAME" if sys.platform == "win32" else "USER") or os.path.basename(home.rstrip("/\\"))
        return Identity(user, home, socket.gethostname())

    def tree(self, *paths: str) -> Iterator[Candidate | Unknown]:
        """See ``Host.tree``."""
        from torchsmith.host import tree

        return tree.listed(paths)

    def binaries(self, reader: str, files: Iterable[Candidate]) -> Iterator[tuple[str, Fact[Any]]]:
        """See ``Host.binaries``."""
        from torchsmith.host import distinct

        return distinct.binaries(lambda path: self.fetch("binary", reader, path), files)

    def image(self, path: str) -> Iterator[base.ImagePart]:
        """See ``Host.image``."""
        from torchsmith.host import images

        return images.parts(self._place(path), path)

    def _place(self, path: str) -> str:
        if self._root and path.startswith(_MACHINE_PATHS):
            return self._root + path
        return path

    def _platform(self) -> Fact[dict[str, Any]]:
        if sys.platform == "win32":
            import platform

            answer: dict[str, Any] = {
                "os": "windows",
                "machine": {"AMD64": "x86_64", "ARM64": "aarch64"}.get(platform.machine(), platform.machine()),
                "release": platform.release(),
                "version": platform.version(),
                "user_id": None,
            }
        else:
            uname = os.uname()
            answer = {
                "os": {"linux": "linux", "darwin": "macos"}.get(sys.platform, sys.platform),
                "machine": {"arm64": "aarch64", "amd64": "x86_64"}.get(uname.machine, uname.machine),
                "release": uname.release,
                "version": uname.version,
                "user_id": os.getuid(),
            }
        return Known(answer, "uname")

    def _libc(self) -> Fact[str]:
        try:
            return Known(os.confstr("CS_GNU_LIBC_VERSION") or "", "confstr")
        except (AttributeError, ValueError):
            musl = next((name for name in os.listdir("/lib") if name.startswith("ld-musl-")), "")
            return Known("musl" if musl else "", "/lib")

    def _read(self, path: str, limit: int) -> Fact[str]:
        place = self._place(path)
        # A pipe must not keep us waiting for its writer.
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(place, flags), "rb", buffering=0) as file:
            if modes.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                return Unknown("not a regular file", (path,))
            parts, size = [], 0
            while size < limit and (part := file.read(min(1 << 16, limit - size))):
                parts.append(part)
                size += len(part)
        return Known(b"".join(parts).decode("utf-8", "replace"), path)

    def _names(self, path: str) -> Fact[list[str]]:
        return Known(sorted(os.listdir(self._place(path)))[: base.NAMES_LIMIT], path)

    def _stat(self, path: str) -> Fact[list[Any]]:
        found = os.stat(self._place(path))
        kind = next((name for test, name in _KINDS if test(found.st_mode)), "other")
        mode = modes.S_IMODE(found.st_mode)
        return Known([kind, found.st_size, mode, found.st_uid, found.st_gid, int(found.st_mtime), found.st_nlink], path)

    def _real(self, path: str) -> Fact[str]:
        real = os.path.realpath(self._place(path), strict=True)
        if self._root and real.startswith(self._root):
            real = real[len(self._root) :]
        return Known(real, path)

    def _which(self, program: str) -> Fact[str]:
        names = [program]
        if sys.platform == "win32":
            names = [program + ending for ending in (".exe", ".cmd", ".bat", "")]
        folders = self._environ.get("PATH", os.defpath).split(os.pathsep)
        for folder in folders:
            for name in names:
                path = os.path.join(folder, name) if folder else name
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    return Known(path, "PATH")
        return Unknown(f"{program} is not on PATH", (f"PATH ({len(folders)} folders)",))

    def _programs(self, *stems: str) -> Fact[list[list[str]]]:
        from torchsmith.host import inventory

        return Known(inventory.programs(self._environ.get("PATH", os.defpath).split(os.pathsep), stems), "PATH")

    def _run(self, *argv: str) -> Fact[list[Any]]:
        shown = " ".join(argv)
        if argv[0] in self._silent:
            return self._silent[argv[0]]
        from torchsmith.host import spawn

        try:
            return Known(list(spawn.run(argv, self._wait, self._environ)), shown)
        except spawn.NoAnswer as reason:
            unknown = Unknown(str(reason), (shown,))
            if str(reason).startswith("slow"):
                self._silent[argv[0]] = unknown
            return unknown

    def _ask(self, script: str, python: str, *arguments: str) -> Fact[Any]:
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside", f"{script}.py")
        interpreter = python or sys.executable
        argv = [interpreter, "-I", "-S", "-B", path, FRAME, *arguments]
        shown = f"{interpreter} {script}"
        if script == "describe" and _is_own(interpreter):
            from torchsmith.host.inside import describe  # the patient is our own interpreter: no child need be asked

            return Known(describe.describe(), shown)
        from torchsmith.host import spawn

        unfinished = ""
        try:
            status, out, err = spawn.run(argv, self._wait, self._environ)
        except spawn.NoAnswer as reason:
            status, out, err, unfinished = 0, reason.so_far, "", str(reason)
        import json  # an interpreter that is our own is not asked by a child, and answers without it

        answers = out.split(FRAME)[1::2]
        if not answers:
            return Unknown(unfinished or _silence(status, out, err), (shown,))
        try:
            merged: dict[str, Any] = {}
            for answer in answers:
                merged.update(json.loads(answer))
        except (ValueError, TypeError, RecursionError):
            return Unknown("the answer is not the JSON object that was asked for", (shown,))
        if unfinished or status != 0:
            merged["unfinished"] = unfinished or _silence(status, "", err)
        return Known(merged, shown)

    def _binary(self, reader: str, path: str) -> Fact[Any]:
        from torchsmith.host import readers

        return readers.read(reader, self._place(path), path)

    def _binding(self, path: str, *scope: str) -> Fact[dict[str, Any]]:
        from torchsmith.host import readers

        return readers.bound(path, [(self._place(each), each) for each in (path, *scope)])

    def _installed(self, record: str, folder: str, levels: int, hashed: bool) -> Fact[dict[str, Any]]:
        from torchsmith.host import installed

        return installed.answer(self._place(record), self._place(folder), levels, hashed)

    def _project_files(self, name: str, index_url: str) -> Fact[dict[str, Any]]:
        return self._index(index_url).answer("page", name)

    def _remote_wheel(self, name: str, filename: str, index_url: str, deep: bool) -> Fact[dict[str, Any]]:
        return self._index(index_url).answer("wheel", name, filename, deep)

    def _index(self, index_url: str) -> Index:
        """The index, with what it listed before."""
        if index_url not in self._indexes:
            from torchsmith.host import index, index_config

            places = self._folders()
            home, cwd = (places.value["home"], places.value["cwd"]) if isinstance(places, Known) else ("", "")
            self._indexes[index_url] = index.Index(index_config.config(self._environ, home, cwd, index_url))
        return self._indexes[index_url]

    def _variable(self, name: str, private: str) -> Fact[str | None]:
        del private  # for the recorder
        return Known(self._environ.get(name), f"environment variable {name}")

    def _kernel_log(self, *words: str) -> Fact[list[str]]:
        from torchsmith.host import kernel_log

        device = "/dev/kmsg"
        try:
            return Known(kernel_log.chosen(kernel_log.records(self._place(device)), words), device)
        except OSError as error:
            why = error.strerror or type(error).__name__
        if self._root or isinstance(self._which("journalctl"), Unknown):
            return Unknown(why, (device,))
        answer = self._run("journalctl", "--dmesg", "--quiet", "--no-pager", "--output=cat", f"--lines={kernel_log.MOST_RECORDS}")
        if isinstance(answer, Unknown):
            return answer
        status, out, _ = answer.value
        if status or not out.strip():
            return Unknown(f"{why}; journalctl shows this user none of it", (device, answer.source))
        return Known(kernel_log.chosen(out.splitlines(), words), answer.source)

    def _disk(self, path: str) -> Fact[dict[str, int]]:
        if hasattr(os, "statvfs"):
            found = os.statvfs(self._place(path))
            return Known({"total": found.f_frsize * found.f_blocks, "free": found.f_frsize * found.f_bavail}, path)
        import shutil

        usage = shutil.disk_usage(self._place(path))
        return Known({"total": usage.total, "free": usage.free}, path)

    def _memory(self) -> Fact[dict[str, int]]:
        from torchsmith.host import windows

        return Known(windows.memory(), "GlobalMemoryStatusEx")

    def _processors(self) -> Fact[dict[str, Any]]:
        from torchsmith.host import windows

        return Known(windows.processors(), "GetLogicalProcessorInformationEx")

    def _pci_names(self, *ids: str) -> Fact[dict[str, list[str]]]:
        from torchsmith.host import inventory

        return Known(inventory.pci_names(ids, self._place), "pci.ids")

    def _writable(self, path: str) -> Fact[bool]:
        return Known(os.access(self._place(path), os.W_OK), path)

    def _folders(self) -> Fact[dict[str, str]]:
        home = self._environ.get("USERPROFILE" if sys.platform == "win32" else "HOME") or os.path.expanduser("~")
        temp = next((v for n in ("TMPDIR", "TEMP", "TMP") if (v := self._environ.get(n))), "/tmp")  # noqa: S108 - its place, not a file
        return Known({"home": home, "cwd": self._cwd or os.getcwd(), "temp": temp, "python": sys.executable}, "process")

    def _registry(self, key: str, name: str) -> Fact[Any]:
        if sys.platform != "win32":
            return Unknown("no registry on this system", (key,))
        import winreg

        hive, _, path = key.partition("\\")
        hives = {"HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCU": winreg.HKEY_CURRENT_USER}
        with winreg.OpenKey(hives[hive], path) as opened:
            if name:
                return Known(winreg.QueryValueEx(opened, name)[0], f"{key}\\{name}")
            count = winreg.QueryInfoKey(opened)[0]
            return Known([winreg.EnumKey(opened, index) for index in range(count)], key)


def _is_own(interpreter: str) -> bool:
    """Whether it is the interpreter that runs us: the same file, called from the same folder (that is what makes a venv)."""
    path = os.path.abspath(interpreter)
    if os.path.dirname(path) != os.path.dirname(sys.executable):
        return False
    try:
        return os.path.samefile(path, sys.executable)
    except OSError:
        return False


def _silence(status: int, out: str, err: str) -> str:
    """Why a script gave no answer: how it ended, and the last line that it printed."""
    ending = f"ended with signal {-status}" if status < 0 else f"ended with exit status {status}"
    said = (err.strip() or out.strip()).splitlines()
    return f"{ending} without an answer" + (f": {said[-1][:200]}" if said else "")


def _label(operation: str, arguments: tuple[Any, ...]) -> str:
    return str(arguments[0]) if arguments else operation
