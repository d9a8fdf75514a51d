"""A machine on paper: files, links, variables, programs and a registry in dictionaries, behind the door's own questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchsmith.host.base import Host
from torchsmith.model.known import Fact, Known, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class PaperHost(Host):
    """Answers from dictionaries; what is not in them does not exist. A folder exists where a file lies below it.

    ``told`` holds the answers to whole questions (programs, memory ...) by their name.
    ``asked`` collects every request, so that a test can say what must not be asked.
    """

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        *,
        links: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        programs: Mapping[str, str] | None = None,
        ran: Mapping[str, str] | None = None,
        registry: Mapping[tuple[str, str], Any] | None = None,
        free: Mapping[str, int] | None = None,
        stats: Mapping[str, list[Any]] | None = None,
        locked: tuple[str, ...] = (),
        told: Mapping[str, Any] | None = None,
    ) -> None:
        self._files = dict(files or {})
        self._links = dict(links or {})
        self._variables = dict(variables or {})
        self._programs = dict(programs or {})
        self._ran = dict(ran or {})
        self._keys = dict(registry or {})
        self._free = dict(free or {})
        self._stats = dict(stats or {})
        self._locked = locked
        self._told = dict(told or {})
        self.asked: list[tuple[Any, ...]] = []

    def fetch(self, operation: str, *arguments: Any) -> Fact[Any]:
        """See ``Host.fetch``."""
        self.asked.append((operation, *arguments))
        if operation in {"programs", "memory", "processors", "pci_names"}:
            return Known(self._told[operation], operation) if operation in self._told else Unknown("not told", (operation,))
        answer: Callable[..., Any] = getattr(self, f"_{operation}")
        value = answer(*arguments)
        return Unknown("no such thing", (str(arguments[0]),)) if value is None else Known(*value)

    def _through(self, path: str) -> str:
        for link, target in self._links.items():
            if path == link or path.startswith(f"{link}/"):
                return target + path[len(link) :]
        return path

    def _there(self, path: str) -> bool:
        real = self._through(path)
        return real in self._files or real in self._stats or any(name.startswith(f"{real}/") for name in self._files)

    def _read(self, path: str, limit: int) -> Any:
        text = self._files.get(self._through(path))
        return None if text is None else (text[:limit], path)

    def _names(self, path: str) -> Any:
        below = [name[len(path) + 1 :].partition("/")[0] for name in (*self._files, *self._links) if name.startswith(f"{path}/")]
        return (sorted(set(below)), path) if below else None

    def _stat(self, path: str) -> Any:
        real = self._through(path)
        return (self._stats.get(real, ["file", 1, 0o644, 0, 0, 0]), path) if self._there(path) else None

    def _real(self, path: str) -> Any:
        return (self._through(path), path) if self._there(path) else None

    def _which(self, program: str) -> Any:
        return (self._programs[program], "PATH") if program in self._programs else None

    def _run(self, *argv: str) -> Any:
        return ([0, self._ran[argv[0]], ""], " ".join(argv)) if argv[0] in self._ran else None

    def _variable(self, name: str, private: str) -> Any:
        del private
        return self._variables.get(name), f"environment variable {name}"

    def _folders(self) -> Any:
        return {"home": "/home/me", "cwd": "/home/me/project", "temp": "/tmp", "python": "/usr/bin/python3"}, "process"

    def _disk(self, path: str) -> Any:
        return ({"total": 1 << 40, "free": self._free[path]}, path) if path in self._free else None

    def _writable(self, path: str) -> Any:
        return path not in self._locked, path

    def _registry(self, key: str, name: str) -> Any:
        return (self._keys[key, name], key) if (key, name) in self._keys else None
