"""A clone is the same tree, sharing what it can; whoever writes through what is shared is found."""

from __future__ import annotations

import fcntl  # noqa: F401 - a process that became nobody cannot read the standard library any more
import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.act.mounts import mounted
from tests.act.trees import contents, environment, install, names, site, wheel

from torchsmith.act import clone
from torchsmith.act.clone import CannotCloneError
from torchsmith.model.errors import TryAgainError

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY = 65534


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A tree with all that environments hold."""
    root = tmp_path / "live"
    package = root / "lib" / "python3.11" / "site-packages" / "torch"
    package.mkdir(parents=True)
    (package / "big.so").write_bytes(b"x" * 70_000)
    os.link(package / "big.so", package / "big.so.1")
    (package / "empty").touch()
    (package / "read only").write_text("r")
    (package / "read only").chmod(0o444)
    (root / "bin").mkdir()
    (root / "bin" / "tool").write_text("#!/bin/sh\n")
    (root / "bin" / "tool").chmod(0o755)
    os.link(root / "bin" / "tool", root / "bin" / "tool2")
    (root / "bin" / "python").symlink_to("/usr/bin/python3")
    (root / "lib64").symlink_to("lib")
    (root / "dangling").symlink_to("nowhere/at all")
    (root / "naïve name \n").write_text("odd")
    shut = root / "shut"
    shut.mkdir()
    (shut / "in it").touch()
    os.utime(shut, ns=(10**18, 10**18 + 7))
    shut.chmod(0o555)
    return root


MODES = ("", clone.COPY)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_tree(live: Path, tmp_path: Path, mode: str) -> None:
    copy = tmp_path / "copy"
    made = clone.clone(live, copy, mode=mode)
    assert contents(copy) == contents(live)
    assert clone.fingerprint(copy) == clone.fingerprint(live)
    assert made.files == 11
    for path in live.rglob("*"):
        one, other = path.lstat(), (copy / path.relative_to(live)).lstat()
        assert (one.st_mode, one.st_uid, one.st_gid, one.st_mtime_ns) == (
            other.st_mode,
            other.st_uid,
            other.st_gid,
            other.st_mtime_ns,
        )
    tool, package = copy / "bin" / "tool", site(copy) / "torch"
    assert tool.samefile(copy / "bin" / "tool2")
    assert (package / "big.so").samefile(package / "big.so.1")
    assert not tool.samefile(live / "bin" / "tool")


def test_nothing_is_shared_where_nothing_may_be(live: Path, tmp_path: Path) -> None:
    made = clone.clone(live, tmp_path / "copy", mode=clone.COPY)
    assert (made.mode, made.new_bytes > 70_000) == (clone.COPY, True)
    mine, theirs = (
        {(path.lstat().st_dev, path.lstat().st_ino) for path in root.rglob("*")} for root in (live, tmp_path / "copy")
    )
    assert not mine & theirs


def test_what_is_written_in_place_is_a_file_of_its_own(tmp_path: Path) -> None:
    live, copy = environment(tmp_path / "live"), tmp_path / "copy"
    install("uv", live, wheel(tmp_path))
    (live / "conda-meta").mkdir()
    (live / "conda-meta" / "history").write_text("==> now <==\n")
    (live / "etc" / "conda" / "activate.d").mkdir(parents=True)
    (live / "etc" / "conda" / "activate.d" / "env.sh").write_text("export A=1\n")
    (site(live) / "easy-install.pth").write_text("/x\n")
    before = contents(live)
    clone.clone(live, copy)
    seen = clone.snapshot(live)
    said = ["conda-meta/history", "etc/conda/activate.d/env.sh", "pyvenv.cfg", "bin/activate", "bin/app-say"]
    said += [str(path.relative_to(live)) for path in site(live).rglob("*.pth")]
    said += [str(path.relative_to(live)) for path in site(live).glob("*.dist-info/*")]
    for name in said:
        with (copy / name).open("a") as file:
            file.write("written in place\n")
    assert clone.damaged(seen, live) == ()
    assert contents(live) == before


def test_a_file_of_somebody_else_that_must_not_be_linked_is_copied(tmp_path: Path) -> None:
    if not ROOT or not Path("/proc/sys/fs/protected_hardlinks").read_text().startswith("1"):
        pytest.skip("needs root, to be somebody else, and a kernel that protects hard links")
    live, copy = tmp_path / "live", tmp_path / "copy"
    live.mkdir()
    for name in ("theirs", "mine"):
        (live / name).write_bytes(b"x" * (2 << 20))
    os.chown(live / "mine", NOBODY, NOBODY)
    assert as_nobody(tmp_path, lambda: clone.clone(live, copy)) == ""
    assert contents(copy) == contents(live)
    assert (copy / "mine").samefile(live / "mine")
    assert not (copy / "theirs").samefile(live / "theirs")


def test_what_is_no_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    os.mkfifo(tmp_path / "live" / "pipe")
    with pytest.raises(CannotCloneError, match="/live/pipe` is neither file, folder nor link"):
        clone.clone(tmp_path / "live", tmp_path / "copy")
    (tmp_path / "live" / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(tmp_path / "live")  # the path of a socket is short
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
        with pytest.raises(CannotCloneError, match="/live/socket` is neither"):
            clone.clone(tmp_path / "live", tmp_path / "copy2")


def test_a_tree_is_never_cloned_over_another(live: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").touch()
    with pytest.raises(CannotCloneError, match="File exists"):
        clone.clone(live, tmp_path / "copy")
    assert names(tmp_path / "copy") == ["mine"]


@pytest.mark.slow
def test_a_full_disk_says_to_try_again(tmp_path: Path) -> None:
    with mounted("tmpfs", tmp_path / "disk", megabytes=4) as disk:
        live = disk / "live"
        live.mkdir()
        (live / "big").write_bytes(b"x" * (3 << 20))
        with pytest.raises(TryAgainError, match="No room for a copy"):
            clone.clone(live, disk / "copy", mode=clone.COPY)
        clone.remove(disk / "copy")
        assert names(disk) == ["live"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_reflinks_share_the_disk_and_nothing_else(tmp_path: Path, kind: str) -> None:
    with mounted(kind, tmp_path / "disk", megabytes=400) as disk:
        live = disk / "live"
        live.mkdir()
        (live / "big").write_bytes(os.urandom(60 << 20))
        os.sync()
        before = os.statvfs(disk).f_bfree * os.statvfs(disk).f_bsize
        made = clone.clone(live, disk / "copy")
        os.sync()
        assert made.mode == clone.REFLINK
        assert before - os.statvfs(disk).f_bfree * os.statvfs(disk).f_bsize < 10 << 20
        seen = clone.snapshot(live)
        with (disk / "copy" / "big").open("r+b") as file:
            file.write(b"through")
        assert clone.damaged(seen, live) == ()
        assert (live / "big").read_bytes()[:7] != b"through"


@pytest.mark.slow
def test_without_links_everything_is_copied(tmp_path: Path) -> None:
    with mounted("exfat", tmp_path / "disk", megabytes=64) as disk:
        live = disk / "live"
        (live / "bin").mkdir(parents=True)
        (live / "bin" / "tool").write_text("x")
        (live / "big").write_bytes(b"y" * (2 << 20))
        made = clone.clone(live, disk / "copy")
        assert made.new_bytes > 2 << 20
        assert made.mode == clone.COPY
        assert contents(disk / "copy") == contents(live)
        assert clone.fingerprint(disk / "copy") == clone.fingerprint(live)


# ---- who wrote through a link


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A live environment with a package of some files, and its clone."""
    live, copy = environment(tmp_path / "live"), tmp_path / "copy"
    install("uv", live, "--link-mode", "copy", wheel(tmp_path, body="x = 1\n" * 400))
    clone.clone(live, copy)
    yield live, copy
    shutil.rmtree(copy)


def test_a_writer_in_place_is_named(linked: tuple[Path, Path]) -> None:
    live, copy = linked
    seen = clone.snapshot(live)
    with (site(copy) / "app" / "__init__.py").open("a") as file:
        file.write("more = 1\n")
    wrong = clone.damaged(seen, live)
    assert wrong == (f"{site(live).relative_to(live)}/app/__init__.py",)
    assert clone.owners(live, wrong) == ("app 1.0",)


def test_a_writer_who_keeps_size_and_time_is_named(linked: tuple[Path, Path]) -> None:
    live, copy = linked
    file = site(copy) / "app" / "__init__.py"
    seen, about = clone.snapshot(live), file.stat()
    with file.open("r+") as stream:
        stream.write("y")
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert clone.damaged(seen, live, copy) == (f"{site(live).relative_to(live)}/app/__init__.py",)


def test_a_changed_mode_is_named(linked: tuple[Path, Path]) -> None:
    live, copy = linked
    seen = clone.snapshot(live)
    (site(copy) / "app" / "__init__.py").chmod(0o600)
    assert clone.damaged(seen, live) == (f"{site(live).relative_to(live)}/app/__init__.py",)


def test_another_program_that_changes_the_live_tree_is_noticed(linked: tuple[Path, Path]) -> None:
    live, _ = linked
    seen, root = clone.snapshot(live), str(site(live).relative_to(live))
    (site(live) / "new.py").touch()
    module = site(live) / "app" / "__init__.py"
    os.link(module, site(live) / "kept.py")
    assert clone.damaged(seen, live) == (f"{root}/kept.py", f"{root}/new.py")
    module.unlink()
    shutil.copy2(site(live) / "kept.py", module)
    assert f"{root}/app/__init__.py" in clone.damaged(seen, live)


@pytest.mark.parametrize("tool", ["uv", pytest.param("pip", marks=pytest.mark.slow)])
def test_a_correct_installer_raises_no_alarm(linked: tuple[Path, Path], tmp_path: Path, tool: str) -> None:
    live, copy = linked
    seen = clone.snapshot(live)
    for version in ("2.0", "1.0"):
        install(tool, copy, "--reinstall" if tool == "uv" else "--force-reinstall", wheel(tmp_path, version=version))
    assert clone.damaged(seen, live) == ()


def test_a_link_that_goes_and_comes_again_raises_no_alarm(linked: tuple[Path, Path]) -> None:
    live, copy = linked
    seen, file, mine = clone.snapshot(live), site(copy) / "app" / "__init__.py", site(live) / "app" / "__init__.py"
    before = mine.stat()
    while mine.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of a file system goes in steps
        file.unlink()
        os.link(mine, file)  # as uv does out of its cache
    assert mine.stat().st_nlink == before.st_nlink
    assert clone.damaged(seen, live) == ()
    assert clone.damaged(seen, live, copy) == ()
    with file.open("r+") as stream:
        stream.write("y")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert clone.damaged(seen, live, copy) == clone.damaged(seen, live) != ()


def test_python_that_compiles_what_it_imports_changes_nothing(linked: tuple[Path, Path]) -> None:
    live, _ = linked
    seen = clone.snapshot(live)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([live / "bin" / "python", "-c", "import app"], check=True, env=env)
    assert list(site(live).glob("app/__pycache__/*.pyc"))
    assert clone.damaged(seen, live) == ()
    assert clone.fingerprint(live) == seen.digest


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda path: path.write_text("longer"),
    "time": lambda path: os.utime(path, ns=(0, 0)),
    "mode": lambda path: path.chmod(0o700),
    "gone": lambda path: path.unlink(),
    "link": lambda path: _link(path).replace(path),
}


@given(st.sampled_from(sorted(CHANGES)), st.sampled_from(["a", "b/c", "b/d/e"]))
def test_a_fingerprint_tells_every_change(tmp_path_factory: pytest.TempPathFactory, change: str, name: str) -> None:
    root = tmp_path_factory.mktemp("tree")
    for path in ("a", "b/c", "b/d/e"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")
    before = clone.fingerprint(root)
    assert clone.fingerprint(root) == before
    CHANGES[change](root / name)
    assert clone.fingerprint(root) != before


# ---- away with it


def test_a_tree_goes_whatever_its_modes_and_nothing_it_links_to(live: Path, tmp_path: Path) -> None:
    copy, outside = tmp_path / "copy", tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    clone.clone(live, copy)
    (copy / "to outside").symlink_to(outside)
    before = contents(live)
    clone.remove(copy)
    clone.remove(copy)
    assert not copy.exists()
    assert (outside / "kept").exists()
    assert contents(live) == before
    link = tmp_path / "link"
    link.symlink_to(outside)
    clone.remove(link)
    assert (outside / "kept").exists()


def test_a_tree_with_shut_folders_goes_for_who_is_not_root(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    clone.clone(live, copy, mode=clone.COPY)
    if not ROOT:
        clone.remove(copy)
    else:
        for path in (copy, *copy.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        assert as_nobody(tmp_path, lambda: clone.remove(copy)) == ""
    assert not copy.exists()


def test_errors_name_the_path(tmp_path: Path) -> None:
    with pytest.raises(CannotCloneError, match="/no/such"):
        clone.clone(tmp_path / "no" / "such", tmp_path / "copy")


def _link(path: Path) -> Path:
    link = path.with_name("link")
    link.symlink_to("elsewhere")
    return link


def as_nobody(folder: Path, work: Callable[[], object]) -> str:
    """Does the work as a user without any right, in a process of its own; what went wrong."""
    folder.chmod(0o777)
    for above in folder.parents:
        if above == Path(tempfile.gettempdir()):  # which is everybody's already
            break
        above.chmod(stat.S_IMODE(above.stat().st_mode) | 0o055)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        said = b""
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
        except BaseException as error:  # noqa: BLE001 - the parent shows it
            said = repr(error).encode()
        os.write(writing, said)
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as stream:
        return stream.read()
