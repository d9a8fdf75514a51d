"""Programs that are run: where they are, what version they have, and a folder of their own that is gone afterwards.

Commands are lists of arguments. Addresses of indexes, which may bear passwords, go into variables: an argument can be read
by every user of the machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from torchsmith.host import index_config, redact, spawn
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torchsmith.model.transaction import Transaction

_VERSION = pattern(r"\b\d{1,6}(?:\.\d{1,6}){1,3}\b")
_FOREIGN = (
    "UV_PROJECT",
    "UV_WORKING_DIRECTORY",
    "VIRTUAL_ENV",
    "PYTHONHOME",
    "PYTHONPATH",
    "CONDA_PREFIX",
    "__PYVENV_LAUNCHER__",
    "PIPENV_ACTIVE",
    "PDM_PYTHON",
    "PDM_PROJECT",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_PYTHON",
    "PDM_LOCKFILE",
    "PDM_IGNORE_SAVED_PYTHON",
    "PIPENV_PIPFILE",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_BREAK_SYSTEM_PACKAGES",
    "UV_TARGET",
    "UV_PREFIX",
)
_LOOK = 20.0
"""Seconds in which a program has to say its version."""


@record
class Tool:
    """A program that can be started: the first words of its command, its name and version."""

    argv: tuple[str, ...]
    name: str
    version: str

    def __str__(self) -> str:
        """As it is shown: ``uv 0.13.8``."""
        return f"{self.name} {self.version}".rstrip()


@record
class Ended:
    """How a program ended: exit status and both outputs; ``lost`` says why there is no answer at all."""

    status: int = 0
    out: str = ""
    err: str = ""
    lost: str = ""

    @property
    def said(self) -> str:
        """Its last line, or why it said nothing."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return self.lost or (lines[-1].strip() if lines else f"exit status {self.status}")


def find(name: str, environ: Mapping[str, str] | None = None) -> Tool | None:
    """Uv or Poetry: the one beside our own interpreter, else the one on PATH; None where there is none that answers."""
    import shutil

    beside = Path(sys.executable).with_name(f"{name}.exe" if os.name == "nt" else name)
    if beside.is_file():
        return _asked((str(beside),), name)
    # Never what lies in the current folder: that may be anybody's project, and Windows looks there first.
    folders = (environ or os.environ).get("PATH", "").split(os.pathsep)
    path = shutil.which(name, path=os.pathsep.join(folder for folder in folders if Path(folder).is_absolute()))
    return _asked((path,), name) if path and Path(path).resolve().parent != Path.cwd().resolve() else None


def pip_of(python: str) -> Tool | None:
    """The pip of an interpreter."""
    return _asked((python, "-m", "pip"), "pip")


def run(argv: Sequence[str], limit: float, environ: Mapping[str, str], within: Path | None = None) -> Ended:
    """Run a program, at most ``limit`` seconds, in an empty folder: the current one may be anybody's project.

    The folder is made ``within`` another that goes with it, even where this process is killed; else among temporary ones. The
    current one's pyproject.toml would name the indexes that uv asks, its modules would be what ``python -m pip`` imports.
    """
    try:
        with folder(within) as nowhere:
            (nowhere / "uv.toml").touch()  # or uv goes on looking in the folders above
            return Ended(*spawn.run(argv, limit, environ, str(nowhere)))
    except spawn.NoAnswer as reason:
        why = f"no end in {limit:g} s" if str(reason).startswith("slow") else str(reason)
        return Ended(124, reason.so_far, "", why)


SETTINGS_OF = "TORCHSMITH_SETTINGS_OF"
"""A variable of a run that is none of the program's: ``pip`` there means that uv is told what pip is configured to."""


def environment(**more: str) -> dict[str, str]:
    """The user's own variables, but for those that would point a program at another environment than it is told."""
    if (whose := more.pop(SETTINGS_OF, "")) == "pip":
        more = settings_for_uv() | more
    elif whose:
        raise ValueError(f"{SETTINGS_OF}={whose}")
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    # uv leaves out what would climb out of an environment and says so in its log alone.
    kept.setdefault("RUST_LOG", "uv_extract=warn")
    quiet = {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "PIP_NO_INPUT": "1"}
    quiet["PIP_USER"] = "0"  # stronger than `user` in a file, where no value at all would not be
    return kept | quiet | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "POETRY_NO_INTERACTION": "1"} | more


_OF_PIP = frozenset({"pip", "pip-tools", "cpu"})


def indexes_for_uv(approach: str) -> dict[str, str]:
    """Where an approach is pip's: the indexes that pip would ask, as uv's variables. uv does not read pip's configuration."""
    if approach not in _OF_PIP:
        return {}
    found = index_config.config(os.environ, _home(), os.devnull, "")  # not what the current folder would have uv ask
    if not found.indexes:
        return {"UV_NO_INDEX": "1", "UV_FIND_LINKS": ",".join(found.links)} if found.links else {}
    more = {"UV_DEFAULT_INDEX": found.indexes[0], "UV_INDEX": " ".join(found.indexes[1:])}
    # Of several indexes pip takes the best version of all, where uv would stay with the first that has the name.
    more |= {"UV_FIND_LINKS": ",".join(found.links), "UV_INDEX_STRATEGY": "unsafe-best-match"}
    return {name: value for name, value in more.items() if value}


_SAME = {
    "constraint": "UV_CONSTRAINT",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "keyring-provider": "UV_KEYRING_PROVIDER",
}
"""Options of pip that uv has as a variable."""
_HARMLESS = frozenset(
    {"index-url", "extra-index-url", "find-links", "no-index", "proxy", "cache-dir", "no-cache-dir", "disable-pip-version-check"}
    | {"progress-bar", "quiet", "verbose", "no-input", "no-color", "log", "retries", "root-user-action", "break-system-packages"}
    | {"require-virtualenv", "no-python-version-warning", "no-warn-script-location", "no-warn-conflicts", "compile", "no-compile"}
    | {"prefer-binary", "upgrade-strategy", "use-pep517", "debug", "user-agent-user-data", "python", "user"}
)
"""Options that :func:`indexes_for_uv` or this module hands on, and such as do not decide what is installed."""


def settings_for_uv() -> dict[str, str]:
    """What pip is configured to, in uv's variables: indexes, proxy, certificates. Passwords may be among them."""
    options = index_config.pip_options(os.environ, _home())
    told = {_SAME[name]: value for name, value in options.items() if name in _SAME}
    if "trusted-host" in options:
        told["UV_INSECURE_HOST"] = " ".join(options["trusted-host"].split())
    if proxy := options.get("proxy"):
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        told |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy}
    return told | indexes_for_uv("pip")


def pip_alone() -> str:
    """What pip is told that uv has no word for, so that pip itself has to install; empty where there is nothing."""
    environ = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    options = index_config.pip_options(environ, _home())
    return ", ".join(f"`{name}`" for name in sorted(options.keys() - _HARMLESS - _SAME.keys()))


def led_elsewhere(made: Transaction) -> str:
    """Why pip or uv would install into another place than they are told: what stands in which file; empty if nothing does."""
    place = made.environment
    environ = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    environ |= {"VIRTUAL_ENV": place.prefix} if place else {}
    for name in dict.fromkeys(name for run in made.runs if (name := _installs(run.argv))):
        option, file = index_config.elsewhere(environ, _home(), name)
        if option:
            away = f"`{option}` in `{file}` sends {name} into another place than this environment"
            return f"{away}: take it out of that file, or name another by {'PIP' if name == 'pip' else 'UV'}_CONFIG_FILE"
    return ""


def _installs(argv: Sequence[str]) -> str:
    """Whose configuration decides where a command installs: uv's, pip's, or nobody's."""
    if Path(argv[0]).stem == "uv":
        return "uv" if argv[1:2] == ("pip",) else ""
    by_pip = argv[0] == "pipenv" or (argv[1:2] == ("-m",) and argv[2:3] in {("pip",), ("piptools",)})
    return "pip" if by_pip else ""


_PRIVATE = {
    ("pip", "--index-url"): "PIP_INDEX_URL",
    ("pip", "--extra-index-url"): "PIP_EXTRA_INDEX_URL",
    ("pip", "--find-links"): "PIP_FIND_LINKS",
    ("uv", "--default-index"): "UV_DEFAULT_INDEX",
    ("uv", "--index-url"): "UV_DEFAULT_INDEX",
    ("uv", "--index"): "UV_INDEX",
    ("uv", "--find-links"): "UV_FIND_LINKS",
}


def private(argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """A command without addresses that bear a password, and the variables that say the same to pip or uv."""
    kind, told, rest = "uv" if Path(argv[0]).stem == "uv" else "pip", dict[str, str](), list(argv)
    for at in range(len(rest) - 2, 0, -1):
        name = _PRIVATE.get((kind, rest[at]))
        if name and redact.without_secrets(rest[at + 1]) != rest[at + 1]:
            between = "," if name == "UV_FIND_LINKS" else " "
            told[name] = between.join(filter(None, (rest[at + 1], told.get(name))))
            del rest[at : at + 2]
    return rest, told


def _home() -> str:
    return os.environ.get("USERPROFILE" if os.name == "nt" else "HOME") or str(Path("~").expanduser())


@contextmanager
def folder(within: Path | None = None) -> Iterator[Path]:
    """A folder for the time of one answer."""
    with tempfile.TemporaryDirectory(prefix="torchsmith-", dir=within, ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


def _asked(argv: tuple[str, ...], name: str) -> Tool | None:
    ended = run((*argv, "--version"), _LOOK, environment())
    version = _VERSION.search(ended.out)
    return Tool(argv, name, version[0]) if not ended.lost and ended.status == 0 and version else None
