"""File systems for one test, mounted for its time; skipped, with the reason, where the machine does not let us."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_MAKERS: Final = {"xfs": ("mkfs.xfs", "-q"), "btrfs": ("mkfs.btrfs", "-q"), "exfat": ("mkfs.exfat",), "tmpfs": ()}
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@contextmanager
def mounted(kind: str, folder: Path, megabytes: int) -> Iterator[Path]:
    """An empty file system of this kind."""
    folder.mkdir()
    device = ""
    if kind == "tmpfs":
        _do("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder)
    else:
        image = folder.with_name(f"{folder.name}.image")
        image.touch()
        os.truncate(image, megabytes << 20)
        _do(*_MAKERS[kind], image)
        device = _do("losetup", "--find", "--show", image).strip()
    try:
        if kind == "exfat" and shutil.which("mount.exfat-fuse", path=_PATH):
            _do("mount.exfat-fuse", device, folder)
        elif device:
            _do("mount", device, folder)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False, capture_output=True)
        if device:
            subprocess.run(["losetup", "--detach", device], check=False, env={"PATH": _PATH})


@contextmanager
def layered(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A merged folder as in a container, and the lower layer, which is an image's."""
    with mounted("tmpfs", folder, 16) as disk:
        for name in ("lower", "upper", "work", "merged"):
            (disk / name).mkdir()
        (disk / "lower" / "env").mkdir()
        (disk / "lower" / "env" / "file").write_text("x")
        told = f"lowerdir={disk}/lower,upperdir={disk}/upper,workdir={disk}/work"
        _do("mount", "-t", "overlay", "overlay", "-o", told, disk / "merged")
        try:
            yield disk / "merged", disk / "lower"
        finally:
            subprocess.run(["umount", "-l", disk / "merged"], check=False)


def _do(*command: str | Path) -> str:
    program = shutil.which(str(command[0]), path=_PATH)
    if program is None:
        pytest.skip(f"{command[0]} is not here")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{command[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.stdout
