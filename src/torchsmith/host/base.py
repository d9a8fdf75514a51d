"""The host port: everything a probe may ask of a machine.

Each question is one request, ``(operation, *arguments)``, and has one answer, a Fact whose value is plain JSON data. That is
what lets the same probes run on this machine, on a recorded one, and on one that is being recorded.
"""

from __future__ import annotations

from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from torchsmith.host.redact import Identity

TEXT_LIMIT = 1 << 20
NAMES_LIMIT = 50_000
# Windows says it in its own language; a probe compares with this.
NO_FILE = "No such file or directory"


@record
class Ran:
    """What a program answered: exit status, and its two outputs as text (undecodable bytes replaced)."""

    exit: int
    out: str
    err: str


@record
class Stat:
    """A file's kind (file, dir, device, other), size in bytes, permission bits, owner, link count and identity."""

    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    links: int = 1


@record
class Candidate:
    """A regular file that is to be read. All but ``path`` is its identity: two paths that agree in it lead to one content.

    ``inode`` is 0 where the system does not tell.
    """

    path: str
    size: int
    """Bytes."""
    mtime_ns: int
    device: int
    inode: int
    links: int
    """How many names this file has; links that lead to it are not counted."""


@record
class ImagePart:
    """A binary of an image; ``path`` is "" for the description of the whole archive."""

    image: int
    path: str
    layer: int
    answer: Fact[Any]


class Host:
    """Base of all hosts. A host answers ``fetch``; the other methods are the typed questions."""

    def fetch(self, operation: str, *arguments: Any) -> Fact[Any]:
        """Answer one request with plain JSON data, or Unknown with the reason."""
        raise NotImplementedError

    def platform(self) -> Fact[dict[str, Any]]:
        """``os`` (linux, windows, macos, ...), ``machine`` (x86_64 ...), kernel ``release`` and ``version``, ``user_id``."""
        return self.fetch("platform")

    def read(self, path: str, limit: int = TEXT_LIMIT) -> Fact[str]:
        """The text of a file, at most ``limit`` bytes of it, undecodable bytes replaced."""
        return self.fetch("read", path, limit)

    def names(self, path: str) -> Fact[list[str]]:
        """The sorted names in a folder, at most ``NAMES_LIMIT``."""
        return self.fetch("names", path)

    def stat(self, path: str) -> Fact[Stat]:
        """What ``path`` is, links followed."""
        answer: Fact[list[Any]] = self.fetch("stat", path)
        return Known(Stat(*answer.value), answer.source) if isinstance(answer, Known) else answer

    def exists(self, path: str) -> bool:
        """Whether ``path`` can be seen."""
        return isinstance(self.fetch("stat", path), Known)

    def real(self, path: str) -> Fact[str]:
        """``path`` with every link resolved."""
        return self.fetch("real", path)

    def which(self, program: str) -> Fact[str]:
        """Where PATH finds ``program``."""
        return self.fetch("which", program)

    def programs(self, *stems: str) -> Fact[list[list[str]]]:
        """``[name, path, path without links]`` of every program on PATH that is called a stem, or a stem and a version."""
        return self.fetch("programs", *stems)

    def run(self, *argv: str) -> Fact[Ran]:
        """Run a program with the host's time limit, without standard input."""
        answer: Fact[list[Any]] = self.fetch("run", *argv)
        return Known(Ran(*answer.value), answer.source) if isinstance(answer, Known) else answer

    def ask(self, script: str, *arguments: str, python: str = "") -> Fact[Any]:
        """What a script of ``host/inside`` answers, run by ``python`` (our own interpreter if empty)."""
        return self.fetch("ask", script, python, *arguments)

    def binary(self, reader: str, path: str) -> Fact[Any]:
        """What the reader named ``reader`` (see ``host/readers.py``) finds in the file ``path``."""
        return self.fetch("binary", reader, path)

    def tree(self, *paths: str) -> Iterator[Candidate | Unknown]:
        """The files among ``paths``, and every binary in the folders among them; Unknown for what cannot be looked at."""
        for path in paths:
            yield Unknown("a recorded machine has no folders to walk", (path,))

    def binaries(self, reader: str, files: Iterable[Candidate]) -> Iterator[tuple[str, Fact[Any]]]:
        """(path, answer) for every file, as ``binary`` gives it, in the order in which they come.

        A host that can reads in parallel, and one content once, whatever the number of its paths; they share the answer.
        """
        for file in files:
            yield file.path, self.binary(reader, file.path)

    def binding(self, path: str, *scope: str) -> Fact[dict[str, Any]]:
        """How the symbols of an object meet the libraries of its ``scope``: the plain form of ``model.binding.Binding``."""
        return self.fetch("binding", path, *scope)

    def installed(self, record: str, folder: str, levels: int, hashed: bool = False) -> Fact[dict[str, Any]]:
        """The files of ``folder`` that differ from a RECORD (see ``host/installed.py``); ``levels`` it may climb, for scripts."""
        return self.fetch("installed", record, folder, levels, hashed)

    def project_files(self, name: str, index_url: str = "") -> Fact[dict[str, Any]]:
        """What the configured package index, or the one at ``index_url``, lists for a project (see ``host/index.py``)."""
        return self.fetch("project_files", name, index_url)

    def remote_wheel(self, name: str, filename: str, index_url: str = "", deep: bool = False) -> Fact[dict[str, Any]]:
        """What a wheel on the index says of itself; with ``deep`` its native libraries too."""
        return self.fetch("remote_wheel", name, filename, index_url, deep)

    def image(self, path: str) -> Iterator[ImagePart]:
        """What the image archive, or tar, at ``path`` holds, in a stream.

        First its description (``images`` and ``warnings``), or Unknown for what is none; then its binaries, each with
        number of the image, path, number of the layer and answer as of the reader ``object``; last the description again,
        with the warnings that were added on the way.
        """
        yield ImagePart(0, "", 0, Unknown("a recorded machine has no images", (path,)))

    def variable(self, name: str, private: str = "") -> Fact[str | None]:
        """An environment variable; Known(None) if it is not set.

        ``private`` declares what the value may hold, for redaction: ``url`` (credentials), ``secret`` (never recorded).
        """
        return self.fetch("variable", name, private)

    def kernel_log(self, *words: str) -> Fact[list[str]]:
        """The kernel's messages since start that hold one of ``words`` in lower case, oldest first; no others leave the host."""
        return self.fetch("kernel_log", *words)

    def disk(self, path: str) -> Fact[dict[str, int]]:
        """``total`` and ``free`` bytes of the file system that holds ``path``."""
        return self.fetch("disk", path)

    def memory(self) -> Fact[dict[str, int]]:
        """Windows' own count in bytes: ``total``, ``available``, ``commit``, ``commit_free``."""
        return self.fetch("memory")

    def processors(self) -> Fact[dict[str, Any]]:
        """Windows' own list: ``cores`` (efficiency class, threads), ``allowed`` for this process, ``features``."""
        return self.fetch("processors")

    def pci_names(self, *ids: str) -> Fact[dict[str, list[str]]]:
        """``[maker, device]`` for each of the ids (``1002:744c``) that the system's list of PCI ids names."""
        return self.fetch("pci_names", *ids)

    def writable(self, path: str) -> bool:
        """Whether this user may write ``path``."""
        answer = self.fetch("writable", path)
        return isinstance(answer, Known) and bool(answer.value)

    def folders(self) -> Fact[dict[str, str]]:
        """``home``, ``cwd``, ``temp`` and ``python`` (the interpreter that runs torchsmith)."""
        return self.fetch("folders")

    def registry(self, key: str, name: str = "") -> Fact[Any]:
        r"""A Windows registry value, or with an empty ``name`` the names of a key's sub-keys; ``HKLM\...`` paths."""
        return self.fetch("registry", key, name)

    def identity(self) -> Identity:
        """The names of user, home folder and machine, for redaction; empty for a recorded host."""
        from torchsmith.host.redact import Identity

        return Identity()


def text_of(fact: Fact[Any]) -> str:
    """The text of a Known fact, else the empty string: for parsers to which an absent file and an empty one are alike."""
    return fact.value if isinstance(fact, Known) and isinstance(fact.value, str) else ""


def unanswered(*facts: Fact[Any]) -> Unknown:
    """One Unknown from several: all reasons, all that was tried."""
    unknown = [fact for fact in facts if isinstance(fact, Unknown)]
    return Unknown("; ".join(dict.fromkeys(fact.reason for fact in unknown)), tuple(t for fact in unknown for t in fact.tried))
