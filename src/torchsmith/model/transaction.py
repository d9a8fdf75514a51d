"""A plan as it is carried out: what changes, in typed parts, each with what was there before and each taken back as one.

A manager makes it (pure); ``act`` carries it out. Nothing in it is a shell string, and nothing names a path that the
environment, the project or the user's own settings do not already have.
"""

from __future__ import annotations

from torchsmith.model.record import record

ENCODING = ("utf-8", "surrogateescape")
"""How the bytes of a file become the text of an edit and back: a byte that is no UTF-8 survives, a BOM is its first letter."""


@record
class Edit:
    """A file as it will be: ``before`` is the SHA-256 of its present bytes, None where there is none.

    ``path`` is absolute, ``text`` the whole new content in ``ENCODING`` (None: the file goes). ``mode`` is that of a new file;
    one that is there keeps its own.
    """

    path: str
    before: str | None
    text: str | None
    why: str
    mode: int = 0o644


@record
class Run:
    """A program that is run on copies: its exact words as they are shown, with the paths of what is live.

    Where a word names the live environment, the clone's path is put in its place. ``folder`` is the project's folder, where the
    program has to start: it starts in a staged copy of it instead; empty for a program that needs none. ``writes`` are the
    files of that folder that it may write (a lock), by name; they replace the live ones at the commit. ``variables`` are set
    for it; in their values too the live environment's path gives way to the clone's. ``given`` are (name, text) pairs: files of
    the staged copy as this program alone finds them.
    """

    argv: tuple[str, ...]
    why: str
    folder: str = ""
    writes: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    limit: float = 3600.0
    given: tuple[tuple[str, str], ...] = ()


@record
class Environment:
    """The environment that changes as a whole: its prefix (absolute), its Python, and how it is made if there is none.

    ``kind`` is venv or conda. ``create`` are the words that make it at its prefix, empty where it is there.
    """

    prefix: str
    python: str
    kind: str = "venv"
    create: tuple[str, ...] = ()


@record
class RegistryEdit:
    """A value below HKEY_CURRENT_USER as it will be; ``before`` and ``after`` are (type, text) pairs, None for no value.

    ``type`` is REG_SZ or REG_EXPAND_SZ.
    """

    key: str
    name: str
    before: tuple[str, str] | None
    after: tuple[str, str] | None
    why: str


@record
class Shown:
    """A command that torchsmith never runs: it needs elevation, changes a driver, or is not its own to run."""

    argv: tuple[str, ...]
    why: str


@record
class Expected:
    """What the clone has to show before it takes the place of the live environment.

    ``torch`` with its label, empty where torch is not part of the change; ``packages`` are (name, version) pairs;
    ``absent`` names that must be gone; ``gpu`` that torch must see a GPU.
    """

    torch: str = ""
    packages: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()
    gpu: bool = False


@record
class Transaction:
    """All that one ``apply`` changes. ``rests_on`` are (path, SHA-256 or None) of files that it reads and does not edit.

    ``outputs`` (see ``Run.writes``) are files that come of the programs; what is in them is known when they have run.
    ``fingerprint`` is that of the live environment (``act.fingerprint``), empty where it is made.
    """

    title: str
    environment: Environment | None = None
    edits: tuple[Edit, ...] = ()
    runs: tuple[Run, ...] = ()
    registry: tuple[RegistryEdit, ...] = ()
    shown: tuple[Shown, ...] = ()
    expected: Expected = Expected()
    notes: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    rests_on: tuple[tuple[str, str | None], ...] = ()
    fingerprint: str = ""
    download_bytes: int | None = None
    disk_bytes: int | None = None
    minutes: int | None = None
    users: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is left to be done."""
        made = self.environment is not None and bool(self.environment.create)
        return not (self.edits or self.runs or self.registry or made)


@record
class Effect:
    """One step after the decision, each of which can be repeated: ``kind`` is exchange, place, replace, remove or registry.

    exchange: the folders ``path`` and ``staged`` change places. place: ``staged`` moves to ``path``, where nothing is.
    replace: the file ``staged`` takes the place of ``path``. remove: ``path`` moves to ``staged``. registry: see ``setting``.
    ``before`` and ``after`` tell what is at ``path``: fingerprints of folders, SHA-256 of files, inode numbers in ``inodes``.
    """

    kind: str
    path: str
    staged: str = ""
    before: str | None = None
    after: str | None = None
    inodes: tuple[int, int] = (0, 0)
    setting: RegistryEdit | None = None


@record
class Outcome:
    """How a run ended: status is done, nothing, refused, failed (all is as before), undone, cut.

    ``run`` is its number, ``problem`` what went wrong, ``said`` the last lines of the program that failed, ``effects`` what
    was changed, ``checks`` (name, passed, found) triples, ``mode`` how the environment was cloned.
    """

    status: str
    run: int = 0
    problem: str = ""
    said: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    checks: tuple[tuple[str, bool, str], ...] = ()
    mode: str = ""
    seconds: float = 0.0
    exit_code: int = 0


@record
class Past:
    """A run of the journal: its number, title, when it was begun, and its state.

    ``state`` is staging, committed (not finished), done, undone, discarded or failed; ``paths`` what it changed.
    """

    number: int
    title: str
    begun: str
    state: str
    paths: tuple[str, ...] = ()
    undoes: int = 0
    problem: str = ""
