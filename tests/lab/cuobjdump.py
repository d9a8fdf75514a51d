"""NVIDIA's cuobjdump, the reference for GPU code, and how its listing is set beside ours."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

from tests.lab.cache import built, unavailable
from tests.lab.tools import attempt, last_line
from torchsmith.binaries import elf, fatbin

VERSION: Final = "13.5.37"
"""Of nvidia-cuda-cuobjdump on the package index: it knows every architecture that an nvcc of 13.x makes code for."""

_ENTRY: Final = re.compile(r"^Fatbin ([a-z -]+?) code:$")
_KINDS: Final = {"elf": "sass", "nvvm": "lto"}


class Listed(NamedTuple):
    """One entry, as both sides tell it; the architecture is written as SASS (`sm_90a`) whatever its kind is."""

    kind: str
    arch: str
    version: str
    host: str
    debug: bool
    compressed: bool

    def without_suffix(self) -> "Listed":
        """For a cuobjdump that does not print `a` and `f`."""
        return self._replace(arch=self.arch.rstrip("af"))


def ours(path: Path) -> list[Listed]:
    """What torchsmith reads of an ELF object or a bare fatbin."""
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:
        bare = file.read(4) == fatbin.MAGIC
        found = []
        for entry in fatbin.entries(file, size, [fatbin.whole(size)] if bare else elf.read(file, size).sections):
            host = next((flag for flag in entry.flags if flag in {"linux", "windows"}), "")
            arch = "sm_" + entry.arch.partition("_")[2]
            found.append(Listed(entry.kind, arch, entry.version, host, "debug" in entry.flags, bool(entry.compression)))
        return found


def theirs(program: Path, path: Path) -> list[Listed] | None:
    """What a cuobjdump lists; None where it does not read the file to its end."""
    done = subprocess.run([program, "-all", path], capture_output=True, timeout=1800, check=False)
    if done.returncode or re.search(rb"fatal|error", done.stderr):
        return None
    found: list[Listed] = []
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if head := _ENTRY.match(line):
            found.append(Listed(_KINDS.get(head[1], head[1]), "", "", "", debug=False, compressed=False))
            continue
        if not found:
            continue
        name, _, value = line.partition(" = ")
        if name == "arch":
            found[-1] = found[-1]._replace(arch=value)
        elif name == "code version":
            found[-1] = found[-1]._replace(version=value.strip("[]").replace(",", "."))
        elif name == "host":
            found[-1] = found[-1]._replace(host=value)
        elif line == "has debug info":
            found[-1] = found[-1]._replace(debug=True)
        elif line == "compressed":
            found[-1] = found[-1]._replace(compressed=True)
    return found


def program() -> Path:
    """A cuobjdump: the one on PATH, else the package index's. Raises Unavailable."""
    installed = shutil.which("cuobjdump")
    return Path(installed) if installed else _from_index()


def _from_index() -> Path:
    def build(folder: Path) -> None:
        requirement = f"nvidia-cuda-cuobjdump=={VERSION}"
        done = attempt(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, requirement)
        if done.returncode:
            unavailable("cuobjdump", last_line(done))
        wheel = next(folder.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith("/cuobjdump"))
            target = folder / "cuobjdump"
            target.write_bytes(archive.read(member))
        target.chmod(0o755)
        wheel.unlink()

    return built("cuobjdump", {"version": VERSION}, build) / "cuobjdump"
