"""A conda channel on this machine, and a program that takes conda's words and does them by py-rattler's solver and installer.

The packages are made so that the prefix gets everywhere that conda puts it: into texts, into programs as a padded string, into
the first lines of scripts that the installer writes for Python packages, and, by links, into the Python itself.
"""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

from tests.managers.torches import _BODY

PYTHON: Final = f"{sys.version_info[0]}.{sys.version_info[1]}"
TAG: Final = f"py{PYTHON.replace('.', '')}"
SITE: Final = f"lib/python{PYTHON}/site-packages"
BUILDS: Final = ("12.8", "12.9", "13.0")
_PLACEHOLDER: Final = "/opt/placeholder" + "_placehold" * 23
"""As long as conda-build's own: 255 letters with a folder behind it."""

PROGRAM: Final = '''\
#!{python}
"""conda's words, done by py-rattler."""
import asyncio, os, pathlib, re, sys
import rattler

CHANNEL, CACHE = {channel!r}, {cache!r}


def told(words):
    verb, prefix, specs, every = words[0], "", [], False
    rest = iter(words[1:])
    for word in rest:
        if word == "-p":
            prefix = next(rest)
        elif word == "-c":
            assert next(rest) == "conda-forge"
        elif word == "--all":
            every = True
        elif word not in ("-y", "--override-channels"):
            assert not word.startswith("-"), word
            specs.append(word)
    return verb, prefix, specs, every


def name(spec):
    return re.match(r"[\\w-]+", str(spec))[0]


async def main(verb, prefix, specs, every):
    meta = pathlib.Path(prefix, "conda-meta")
    here = [rattler.PrefixRecord.from_path(path) for path in sorted(meta.glob("*.json"))]
    wanted = {{name(spec): str(spec) for spec in specs}}
    history = meta / "history"  # what was asked for before stays asked for, as conda keeps it there
    for spec in history.read_text().split("\\n") if history.is_file() else []:
        wanted.setdefault(name(spec), name(spec) if every else spec)
    pinned = meta / "pinned"
    lines = pinned.read_text().split("\\n") if pinned.is_file() else []
    wanted |= {{name(spec): str(spec) for spec in filter(None, lines)}}
    cuda = rattler.GenericVirtualPackage(rattler.PackageName("__cuda"), rattler.Version("13.0"), rattler.BuildString("0"))
    solved = await rattler.solve(
        [rattler.Channel("file://" + CHANNEL)],
        list(map(rattler.MatchSpec, wanted.values())),
        platforms=["linux-64", "noarch"],
        virtual_packages=[cuda],
        locked_packages=[] if every else here,
    )
    await rattler.install(solved, prefix, cache_dir=CACHE, show_progress=False)
    history.write_text("\\n".join(sorted(wanted.values())))
    for record in solved:
        print(record.name.normalized, record.version, record.build)


asyncio.run(main(*told(sys.argv[1:])))
sys.stdout.flush()
os._exit(0)  # without its threads' end, in which py-rattler sometimes crashes
'''


def write(root: Path) -> None:
    """Packages of two releases of torch in three builds, of a Python that is this one, and what stays beside them."""
    _package(root, "python", f"{PYTHON}.9", "h0_cpython", (), _python(), extra={"python_site_packages_path": SITE})
    for cuda in BUILDS:
        _package(root, "cuda-version", cuda, "h0", (), {})
        for release in ("2.8.0", "2.9.0"):
            needs = (f"python {PYTHON}.*", f"cuda-version {cuda}.*", "__cuda >=12", "numpy >=1.23")
            _package(root, "pytorch", release, f"cuda{cuda.replace('.', '')}_{TAG}_h1", needs, _torch(release, cuda))
    for version in ("1.26.4", "2.4.0"):
        _package(root, "numpy", version, f"{TAG}_0", (f"python {PYTHON}.*",), _module("numpy", version))
    for version in ("1.0", "1.1"):
        files = {f"site-packages/{name.partition(SITE + '/')[2]}": data for name, data in _module("tool", version).items()}
        link = {"noarch": {"type": "python", "entry_points": ["tool = tool:main"]}, "package_metadata_version": 1}
        _package(root, "tool", version, "pyh_0", ("python", "numpy"), files, link=link)


def program(folder: Path, rattler: Path, channel: Path) -> Path:
    """A program called conda. ``rattler`` is the Python that has py-rattler."""
    import subprocess

    # Without its threads' end, in which py-rattler sometimes crashes on a machine that is busy.
    indexing = f"import asyncio, os; from rattler import index; asyncio.run(index.index_fs({str(channel)!r})); os._exit(0)"
    subprocess.run([rattler, "-c", indexing], check=True, capture_output=True)
    folder.mkdir(parents=True)
    made = folder / "conda"
    made.write_text(PROGRAM.format(python=rattler, channel=str(channel), cache=str(folder / "pkgs")))
    made.chmod(0o755)
    return made


def _python() -> dict[str, bytes | Path]:
    """This Python, as one that finds its packages in the prefix: a link, and the file by which Python tells that."""
    base = Path(sys.base_prefix) / "bin" / f"python{PYTHON}"
    config = f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {PYTHON}.9\n"
    return {
        f"bin/python{PYTHON}": base,
        "bin/python": Path(f"python{PYTHON}"),
        "pyvenv.cfg": config.encode(),
        f"{SITE}/README.txt": b"packages\n",
        "lib/libpython.so": _PLACEHOLDER.encode(),
    }


def _torch(version: str, cuda: str) -> dict[str, bytes | Path]:
    body = _BODY.replace("{cuda!r}", repr(cuda))
    binary = b"\x7fELF\x02\x01" + _PLACEHOLDER.encode() + b"/lib\x00" + f"cuda {cuda} of {version}".encode() + b"\x00\xff" * 40
    script = f"#!{_PLACEHOLDER}/bin/python\nprint({version!r})\n"
    more = {"lib/libtorch.so": binary, "bin/torchrun": script.encode(), "etc/torch.conf": f"root={_PLACEHOLDER}/lib\n".encode()}
    return {**_module("torch", version, body), **more}


def _module(name: str, version: str, body: str = "") -> dict[str, bytes | Path]:
    info = f"{SITE}/{name}-{version}.dist-info"
    code = f"__version__ = {version!r}\ndef main():\n    print(__file__)\n{body}"
    return {
        f"{SITE}/{name}/__init__.py": code.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/INSTALLER": b"conda\n",
    }


def _package(
    root: Path,
    name: str,
    version: str,
    build: str,
    needs: tuple[str, ...],
    files: dict[str, bytes | Path],
    *,
    extra: dict[str, Any] | None = None,
    link: dict[str, Any] | None = None,
) -> None:
    subdir = "noarch" if link else "linux-64"
    about = {"name": name, "version": version, "build": build, "build_number": 0, "depends": list(needs), "subdir": subdir}
    about |= {"license": "MIT", "timestamp": 1_700_000_000_000, "constrains": []} | (extra or {})
    about |= {"noarch": "python"} if link else {"arch": "x86_64", "platform": "linux"}
    listed = [_listed(path, data) for path, data in files.items()]
    inside: dict[str, bytes | Path] = {
        "info/index.json": json.dumps(about).encode(),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": listed}).encode(),
        "info/files": "".join(f"{path}\n" for path in files).encode(),
        **({"info/link.json": json.dumps(link).encode()} if link else {}),
        **files,
    }
    folder = root / subdir
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / f"{name}-{version}-{build}.tar.bz2", "w:bz2") as archive:
        for path, data in inside.items():
            member = tarfile.TarInfo(path)
            member.mode, member.mtime = 0o755 if path.startswith("bin/") else 0o644, 1_700_000_000
            if isinstance(data, Path):
                member.type, member.linkname = tarfile.SYMTYPE, str(data)
                archive.addfile(member)
            else:
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def _listed(path: str, data: bytes | Path) -> dict[str, Any]:
    """How conda's record tells of a file, with the prefix in it if it has some."""
    content = b"" if isinstance(data, Path) else data
    entry: dict[str, Any] = {"_path": path, "path_type": "softlink" if isinstance(data, Path) else "hardlink"}
    entry |= {"sha256": hashlib.sha256(content).hexdigest(), "size_in_bytes": len(content)}
    if _PLACEHOLDER.encode() in content:
        mode = "binary" if b"\x00" in content or path.endswith(".so") else "text"
        entry |= {"prefix_placeholder": _PLACEHOLDER, "file_mode": mode}
    return entry
