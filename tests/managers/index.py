"""A package index of tiny wheels, shaped like PyPI and PyTorch's own indexes, on this machine.

`pypi` has torch without a local label and everything else. `cpu`, `cu128` and `cu129` have torch of their build and, as PyTorch's
own do, copies of what torch needs: an older NumPy and a newer filelock, so that a package that moved to such an index shows.
The torch of `hollow` is one that imports and cannot count.
"""

import base64
import hashlib
import io
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

BUILDS: Final = {"cpu": None, "cu128": "12.8", "cu129": "12.9"}
CUBLAS: Final = {"12.8": "12.8.4", "12.9": "12.9.1", "13.0": "13.0.2"}
RELEASES: Final = (("2.8.0", "0.23.0", "12.8"), ("2.13.0", "0.28.0", "13.0"))
"""torch, the torchvision that belongs to it, and the CUDA of PyPI's wheel."""


def write(root: Path) -> None:
    """Lays the indexes out under `root`, one folder each."""
    for torch, vision, default in RELEASES:
        _torch(root / "pypi", torch, vision, default)
    for build, cuda in BUILDS.items():
        _torch(root / build, f"2.8.0+{build}", f"0.23.0+{build}", cuda)
    for build in (*BUILDS, "hollow"):
        _wheel(root / build, "filelock", "3.99.0")
        _wheel(root / build, "numpy", "2.1.2")
    _torch(root / "hollow", "2.8.0+cpu", "0.23.0+cpu", None, body="")
    for version in ("3.13.1", "3.20.0"):
        _wheel(root / "pypi", "filelock", version)
    for version in ("1.26.4", "2.1.2", "2.4.0"):
        _wheel(root / "pypi", "numpy", version)
    for version in CUBLAS.values():
        for index in ("pypi", *BUILDS):
            _wheel(root / index, "nvidia-cublas", version)
    _wheel(root / "pypi", "nvidia-stray", "1.0")
    _wheel(root / "pypi", "accelerate", "1.1", ("torch>=2.0", "numpy>=1.17"))
    _wheel(root / "pypi", "tool", "1.0", ("torch>=2.0", "numpy>=1.17"), script=True)
    pages(root)


def whole(index: Path, torch: str, vision: str, cuda: str) -> None:
    """A torch in which `check` finds nothing amiss, and its torchvision; `pages` has to follow."""
    label = torch.partition("+")[2]
    own = torch if label else f"{torch}+cu{cuda.replace('.', '')}"
    version = f"__version__ = {own!r}\ndebug = False\ncuda: Optional[str] = {cuda!r}\n"
    rest = "git_version = 'ba56102387ef21a3'\nhip: Optional[str] = None\n"
    more = {
        "torch/version.py": f"from typing import Optional\n\n{version}{rest}",
        f"torch/_C.{sysconfig.get_config_var('SOABI')}.so": "",
    }
    _wheel(index, "torch", torch, ("filelock",), f"from torch import version\n{TORCH}", more=more)
    _wheel(index, "torchvision", vision, (f"torch=={torch.partition('+')[0]}", "numpy"))


def pages(root: Path) -> None:
    """The pages that installers read, one per package of each index."""
    for page in [folder for index in root.iterdir() for folder in index.iterdir()]:
        links = "\n".join(f'<a href="{_url(file)}">{file.name}</a>' for file in sorted(page.glob("*.whl")))
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}\n</body></html>\n")


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The URL under which `root` is served, on this machine only."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass


TORCH: Final = """
class _Tensor:
    def __init__(self, rows):
        self.rows = rows

    def __matmul__(self, other):
        return _Tensor([[float(sum(a * b for a, b in zip(row, column))) for column in zip(*other.rows)] for row in self.rows])

    def cpu(self):
        return self

    def tolist(self):
        return self.rows


def tensor(rows, dtype=None, device="cpu"):
    return _Tensor(rows)


float32 = "float32"
"""
"""As much of torch as a verification asks for: it multiplies matrices."""


def _torch(index: Path, torch: str, vision: str, cuda: str | None, body: str = TORCH) -> None:
    needs = ("filelock", *((f"nvidia-cublas=={CUBLAS[cuda]}",) if cuda else ()))
    _wheel(index, "torch", torch, needs, f"cuda = {cuda!r}\n{body}")
    _wheel(index, "torchvision", vision, (f"torch=={torch.partition('+')[0]}", "numpy"))


def _wheel(
    index: Path,
    name: str,
    version: str,
    needs: Sequence[str] = (),
    body: str = "",
    *,
    script: bool = False,
    more: Mapping[str, str] | None = None,
) -> None:
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = [f"Name: {name}", f"Version: {version}", "Requires-Python: >=3.9", *(f"Requires-Dist: {need}" for need in needs)]
    files = {
        f"{module}/__init__.py": f"__version__ = {version!r}\n{body}",
        f"{info}/METADATA": "\n".join(("Metadata-Version: 2.1", *metadata)) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files |= more or {}
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {module}:print\n"
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join((*record, f"{info}/RECORD,,")) + "\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), text)
    folder = index / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}-{version}-py3-none-any.whl").write_bytes(packed.getvalue())


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _url(file: Path) -> str:
    return f"{file.name.replace('+', '%2B')}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}"
