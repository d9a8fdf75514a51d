"""F06, P02, T02: what may not be written, users without a name, files that are not plain."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.faults.ground import Ground, forked
from tools.faults.bench import remove

from torchsmith.act import preflight
from torchsmith.model.errors import TorchsmithError, UsageError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the small environment is one of Linux")
NOBODY = 54321
"""A user without an entry in passwd."""
root_only = pytest.mark.skipif(os.geteuid() != 0 if hasattr(os, "geteuid") else True, reason="becoming another user takes root")


@contextmanager
def open_ground(name: str = "venv") -> Iterator[Ground]:
    """A bench that every user may look at: pytest's own folders are the user's alone."""
    folder = Path(tempfile.mkdtemp(prefix="torchsmith-rights-"))
    folder.chmod(0o755)
    try:
        yield Ground(folder, name)
    finally:
        remove(folder)


def as_nobody(action: Callable[[], int]) -> int:
    """In a process of a user that has no name, no home and no rights."""

    def become() -> int:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        for name in ("HOME", "USER", "LOGNAME", "XDG_STATE_HOME"):
            os.environ.pop(name, None)
        return action()

    return forked(become)


def owned(path: Path, user: int = NOBODY) -> None:
    for parent, _, names in os.walk(path):
        for each in (Path(parent), *(Path(parent, name) for name in names)):
            os.chown(each, user, user, follow_symlinks=False)


@root_only
@pytest.mark.parametrize("name", ["venv", "project"])
def test_what_belongs_to_root_is_refused_before_any_change(name: str) -> None:
    with open_ground(name) as ground:
        ground.bench.state.mkdir()
        owned(ground.bench.state)
        asked = ground.transaction

        def told() -> int:
            return 3 if any("cannot be written" in problem for problem in preflight.problems(asked, ground.registry)) else 0

        def tried() -> int:
            try:
                return ground.apply(asked).exit_code
            except TorchsmithError as error:
                return error.exit_code

        assert as_nobody(told) == 3
        assert as_nobody(tried) in {2, 5, 75}
        ground.old()
        assert not list((ground.bench.root / "project").glob(".torchsmith*"))


@root_only
def test_an_immutable_environment(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    if (
        shutil.which("chattr") is None
        or subprocess.run(["chattr", "+i", ground.bench.prefix], check=False, capture_output=True).returncode
    ):
        pytest.skip("no immutable bit here")
    try:
        with pytest.raises(UsageError, match="cannot be"):
            ground.apply()
        ground.old()
    finally:
        subprocess.run(["chattr", "-i", ground.bench.prefix], check=True)
    ground.resume()
    assert ground.apply().status == "done"


@root_only
def test_a_user_without_a_name_and_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    python = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    if not os.access(python, os.X_OK):
        pytest.skip(f"no {python}, which every user may start")
    with open_ground() as ground:  # what is imported late lies where that user may not look
        ground.apply()
        ground.undo()
    monkeypatch.setattr(sys, "executable", python)
    with open_ground() as ground:
        temporary = ground.bench.folder / "tmp"
        temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(temporary))
        monkeypatch.setattr(tempfile, "tempdir", None)
        owned(ground.bench.folder)
        ground.oracle.take_old()

        def apply() -> int:
            return 0 if ground.apply().status == "done" and ground.new() else 1

        def undo() -> int:
            return 0 if ground.undo()[0].status == "undone" else 1

        assert as_nobody(apply) == 0
        assert {path.lstat().st_uid for path in ground.bench.prefix.rglob("*")} == {NOBODY}
        assert as_nobody(undo) == 0
        ground.old()


@root_only
def test_temporary_folders_from_which_nothing_may_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TMPDIR is often mounted noexec: nothing of ours is started from there."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "noexec,size=8m", "none", folder], check=False, capture_output=True
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr(tempfile, "tempdir", None)
        ground = Ground(tmp_path / "ground")
        assert ground.apply().status == "done"
        assert list(folder.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


# ---- files that are not plain


def pyproject(ground: Ground) -> Path:
    return ground.bench.root / "project" / "pyproject.toml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    ground = Ground(tmp_path, "project")
    monkeypatch.setenv("HOME", str(ground.bench.root / "home"))
    return ground


def test_a_link_stays_a_link_and_its_target_is_edited(project: Ground) -> None:
    file, target = pyproject(project), project.bench.root / "dotfiles.toml"
    file.rename(target)
    file.symlink_to(target)
    rc, kept = project.bench.root / "home" / ".bashrc", project.bench.root / "rc-of-mine"
    rc.rename(kept)
    rc.symlink_to(os.path.relpath(kept, rc.parent))
    before = target.read_bytes(), kept.read_bytes()
    assert project.apply().status == "done"
    assert file.is_symlink()
    assert rc.is_symlink()
    assert b"pytorch-cu129" in target.read_bytes()
    assert b"CUDA_HOME" in kept.read_bytes()
    assert project.undo()[0].status == "undone"
    assert (target.read_bytes(), kept.read_bytes()) == before
    assert file.is_symlink()


def test_a_second_name_is_not_parted(project: Ground) -> None:
    file = pyproject(project)
    os.link(file, file.with_name("the-same.toml"))
    assert any("second name" in problem for problem in preflight.problems(project.transaction, project.registry))
    with pytest.raises(UsageError, match="second name"):
        project.apply()
    assert file.samefile(file.with_name("the-same.toml"))
    file.with_name("the-same.toml").unlink()
    project.old()


@pytest.mark.parametrize("mode", [0o664, 0o600, 0o640, 0o755])
def test_mode_and_owner_stay(project: Ground, mode: int) -> None:
    file = pyproject(project)
    file.chmod(mode)
    group = 4321 if os.geteuid() == 0 else file.stat().st_gid
    os.chown(file, -1, group)
    assert project.apply().status == "done"
    assert "pytorch-cu129" in file.read_text()
    about = file.stat()
    assert (stat.S_IMODE(about.st_mode), about.st_gid) == (mode, group)
    assert project.undo()[0].status == "undone"
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_gid) == (mode, group)


@root_only
def test_a_file_that_may_not_be_written_or_is_another_users_is_refused() -> None:
    with open_ground("project") as ground:
        owned(ground.bench.folder)
        file = pyproject(ground)
        asked = ground.transaction

        def problems() -> int:
            return len(preflight.problems(asked, ground.registry))

        assert as_nobody(problems) == 0
        file.chmod(0o444)
        assert as_nobody(problems) == 1
        file.chmod(0o666)
        os.chown(file, 0, 0)
        assert as_nobody(problems) == 1


def test_a_folder_in_the_place_of_a_file(project: Ground) -> None:
    asked, file = project.transaction, pyproject(project)
    file.unlink()
    file.mkdir()
    with pytest.raises(TorchsmithError):
        project.apply(asked)
    assert file.is_dir()
