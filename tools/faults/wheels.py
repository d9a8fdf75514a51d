"""Tiny wheels that import: a fake torch and what comes with it, each in an old and a new version."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS: Final = {
    "torch": ("2.7.0+cu128", "2.8.0+cu129"),
    "torchvision": ("0.22.0+cu128", "0.23.0+cu129"),
    "numpy": ("1.26.4", "2.4.0"),
}
"""Before and after the change."""
MODULES: Final = {"torch": 6, "torchvision": 3, "numpy": 2}
_NEEDS: Final = {"torchvision": ("torch=={torch}",)}
_STAMP: Final = (2026, 1, 1, 0, 0, 0)


def content(name: str, new: bool) -> dict[str, str]:
    """The files of a wheel, RECORD last. Each module bears the version, so that a mixture shows; some come and go."""
    version = VERSIONS[name][new]
    modules = range(MODULES[name] + new)
    files = {f"{name}/m{number}.py": f"VERSION = {version!r}\nFILL = {'x' * (40 * number)!r}\n" for number in modules}
    imports = "".join(f"from {name}.m{number} import VERSION as _{number}\n" for number in modules)
    files[f"{name}/__init__.py"] = (
        f"{imports}__version__ = {version!r}\nassert {{{', '.join(f'_{n}' for n in modules)}}} == {{__version__}}\n"
    )
    files[f"{name}/only_{'new' if new else 'old'}/__init__.py"] = f"VERSION = {version!r}\n"
    needs = "".join(f"Requires-Dist: {need.format(torch=VERSIONS['torch'][new])}\n" for need in _NEEDS.get(name, ()))
    info = f"{name}-{version}.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: faults\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if name == "torch":
        files[f"{info}/entry_points.txt"] = "[console_scripts]\ntorchrun = torch:print\n"
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join((*record, f"{info}/RECORD,,")) + "\n"
    return files


def write(folder: Path) -> None:
    """All wheels, as files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, versions in VERSIONS.items():
        for new, version in enumerate(versions):
            with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
                for path, text in content(name, bool(new)).items():
                    wheel.writestr(zipfile.ZipInfo(path, _STAMP), text)


def wanted(new: bool = True) -> tuple[str, ...]:
    """What an installer is asked for."""
    return tuple(f"{name}=={versions[new]}" for name, versions in VERSIONS.items())


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
