"""Real environments with real packages, built once and kept; copies, to be damaged, cost a fraction of a second.

Nothing here imports torch. An environment that cannot be had (no index, no CPU build, no fitting Python) raises
Unavailable.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.cache import built, link_tree, scratch, unavailable
from tests.lab.tools import attempt, last_line, uv

_FORMAT: Final = 1
"""Raise it to rebuild everything."""

TORCH_CUDA: Final = "2.14.1"
TORCH_CPU: Final = "2.13.0"
TORCH_CU121: Final = "2.2.2"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment.

    Its files may be hard links shared with the cache: change them by the methods here (which replace and never edit in
    place), and change only what `variant` gave.
    """

    prefix: Path

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def site(self) -> Path:
        """Its site-packages."""
        return next((self.prefix / "lib").glob("python3.*")) / "site-packages"

    def environ(self, **more: str) -> dict[str, str]:
        """This process's environment with the virtual environment active."""
        env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        env["VIRTUAL_ENV"] = str(self.prefix)
        env["PATH"] = f"{self.prefix / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
        return env | more

    def run(self, *arguments: str, limit: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs its Python."""
        return subprocess.run(
            [self.python, *arguments],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=limit,
            env=self.environ(**env),
        )

    def torch_version(self) -> str | None:
        """What torch/version.py says, local label included."""
        return _version_field(self.site, "__version__")

    def find(self, pattern: str) -> list[Path]:
        """Files and folders of site-packages by a glob, as `nvidia/**/libcudnn.so.9`."""
        return sorted(self.site.glob(pattern))

    def remove(self, pattern: str) -> list[Path]:
        """Takes files or folders away; an AssertionError where nothing matches."""
        found = self.find(pattern)
        assert found, f"{pattern} matches nothing in {self.site}"
        for path in found:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        return found

    def write(self, name: str, content: str | bytes) -> Path:
        """Puts a file into site-packages in place of what stood there."""
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def half_remove(self, package: str) -> None:
        """Leaves what an interrupted pip leaves: torch and torch-1.dist-info become ~orch and ~orch-1.dist-info."""
        for path in [self.site / package, *self.find(f"{package}-*.dist-info")]:
            path.rename(path.with_name("~" + path.name[1:]))

    def graft(self, other: "Environment", *names: str, into: Path | None = None) -> None:
        """Links packages of another environment (globs, as `torch` or `torch-*.dist-info`) beside or over its own."""
        target = self.site if into is None else into
        for name in names:
            for path in other.find(name):
                to = target / path.name
                if path.is_dir():
                    shutil.rmtree(to, ignore_errors=True)
                    link_tree(path, to)
                else:
                    target.mkdir(parents=True, exist_ok=True)
                    to.unlink(missing_ok=True)
                    os.link(path, to)

    def install(self, *requirements: str, dependencies: bool = True) -> None:
        """Adds real packages from the configured index."""
        _uv_install("install", self.prefix, requirements, () if dependencies else ("--no-deps",))


VariantFactory = Callable[[Environment], Environment]
"""What the fixture `variant` gives."""


@contextmanager
def variant(base: Environment, name: str = "variant") -> Iterator[Environment]:
    """A copy of an environment that may be damaged; gone afterwards."""
    with scratch(name) as folder:
        prefix = folder / "env"
        link_tree(base.prefix, prefix)
        for script in (prefix / "bin").iterdir():
            _move_script(script, str(base.prefix), str(prefix))
        yield Environment(prefix)


def _move_script(script: Path, old: str, new: str) -> None:
    """Scripts name their interpreter by its full path."""
    if script.is_symlink():
        return
    content = script.read_bytes()
    if old.encode() in content[:4096]:
        mode = script.stat().st_mode
        script.unlink()
        script.write_bytes(content.replace(old.encode(), new.encode()))
        script.chmod(mode)


# ---- the environments


def empty() -> Environment:
    """No packages at all, not even pip."""
    return _environment("empty", {}, lambda _prefix: None)


def cuda() -> Environment:
    """CUDA torch from the configured index with all that it needs (about 5 GB)."""
    if sys.platform != "linux":
        unavailable("cuda", "CUDA wheels are for Linux")
    requirements = (f"torch=={TORCH_CUDA}",)
    environment = _environment("cuda", {"requirements": requirements}, lambda prefix: _uv_install("cuda", prefix, requirements))
    if _version_field(environment.site, "cuda") is None:
        unavailable("cuda", f"the index gave a build without CUDA: {environment.torch_version()}")
    return environment


def cu121() -> Environment:
    """torch 2.2.2 of CUDA 12.1, built against NumPy 1, beside NumPy 2."""
    if sys.platform != "linux":
        unavailable("cu121", "CUDA wheels are for Linux")
    requirements = (f"torch=={TORCH_CU121}", "numpy==2.1.3")
    return _environment(
        "cu121",
        {"requirements": requirements},
        lambda prefix: _uv_install("cu121", prefix, requirements),
        newest_python=(3, 12),
    )


def cpu() -> Environment:
    """CPU torch.

    PyPI's wheel for Linux is a CUDA build, so the local version is asked for by name: pip with its configuration
    (find-links, extra indexes) first, then uv's CPU backend, which knows PyTorch's own index.
    """

    def fill(prefix: Path) -> None:
        wanted = f"torch=={TORCH_CPU}" + ("+cpu" if sys.platform == "linux" else "")
        tries: list[list[str | Path]] = [
            [sys.executable, "-m", "pip", "--python", prefix, "install", "-q", "--no-input", wanted],
            [uv("cpu"), "pip", "install", "-q", "--python", prefix, "--torch-backend", "cpu", wanted],
        ]
        failures = []
        for command in tries:
            done = attempt(*command)
            if done.returncode == 0:
                break
            failures.append(last_line(done))
        else:
            unavailable("cpu", f"no CPU build of torch {TORCH_CPU} to be had: " + " | ".join(failures))
        site = Environment(prefix).site
        if _version_field(site, "cuda") is not None:
            unavailable("cpu", f"asked for a CPU build and got {_version_field(site, '__version__')}")

    return _environment("cpu", {"torch": TORCH_CPU}, fill)


# ---- how


def _environment(
    name: str, recipe: dict[str, object], fill: Callable[[Path], None], newest_python: tuple[int, int] | None = None
) -> Environment:
    python = _interpreter(name, newest_python)
    version = subprocess.run(
        [python, "-I", "-c", "import sys; print(sys.version, sys.base_prefix)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout

    def build(folder: Path) -> None:
        prefix = folder / "env"
        done = attempt(uv(name), "venv", "-q", "--python", python, prefix)
        if done.returncode != 0:
            unavailable(name, last_line(done))
        fill(prefix)

    return Environment(built(name, {"format": _FORMAT, "python": version, **recipe}, build) / "env")


def _interpreter(part: str, newest: tuple[int, int] | None) -> str:
    """The tests' own interpreter, or another one of this machine where that is too new for the packages."""
    if newest is None or sys.version_info[:2] <= newest:
        return sys.executable
    done = attempt(uv(part), "python", "find", f">=3.9,<={newest[0]}.{newest[1]}.999")
    if done.returncode != 0:
        unavailable(part, f"no Python up to {newest[0]}.{newest[1]} on this machine")
    return done.stdout.strip()


def _uv_install(part: str, prefix: Path, requirements: Sequence[str], more: Sequence[str] = ()) -> None:
    done = attempt(uv(part), "pip", "install", "-q", "--python", prefix, *more, *requirements)
    if done.returncode != 0:
        unavailable(part, f"{' '.join(requirements)} could not be installed: {last_line(done)}")


def _version_field(site: Path, name: str) -> str | None:
    try:
        text = (site / "torch" / "version.py").read_text()
    except FileNotFoundError:
        return None
    found = re.search(rf"^{name}\b[^=]*=\s*['\"](.+?)['\"]", text, re.MULTILINE)
    return found and found[1]
