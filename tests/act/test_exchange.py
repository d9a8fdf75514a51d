"""Two folders change places at once, or nothing happens and the reason is told."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.act.mounts import layered, mounted
from tests.act.trees import names

from torchsmith.act import exchange
from torchsmith.act.exchange import NotAtomicError

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what Linux does")


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    live, staged = tmp_path / "live", tmp_path / "aside" / "staged"
    staged.mkdir(parents=True)
    live.mkdir()
    (live / "old").touch()
    (staged / "new").touch()
    return live, staged


@LINUX
def test_two_folders_change_places(two: tuple[Path, Path]) -> None:
    live, staged = two
    numbers = live.stat().st_ino, staged.stat().st_ino
    exchange.exchange(live, staged)
    assert (names(live), names(staged)) == (["new"], ["old"])
    assert (staged.stat().st_ino, live.stat().st_ino) == numbers
    exchange.exchange(live, staged)
    assert (names(live), names(staged)) == (["old"], ["new"])


@LINUX
def test_nobody_ever_sees_the_path_empty(two: tuple[Path, Path]) -> None:
    live, staged = two
    missed, ended = [], threading.Event()

    def looking() -> None:
        while not ended.is_set():
            try:
                names(live)
            except FileNotFoundError as error:
                missed.append(error)

    thread = threading.Thread(target=looking)
    thread.start()
    for _ in range(300):
        exchange.exchange(live, staged)
    ended.set()
    thread.join()
    assert not missed


def test_a_program_that_runs_from_a_folder_goes_on_in_it(two: tuple[Path, Path]) -> None:
    live, staged = two
    (live / "old").write_text("still here")
    with (live / "old").open() as held:
        exchange.exchange(live, staged)
        assert held.read() == "still here"


def test_what_is_missing_is_told_and_nothing_changes(two: tuple[Path, Path], tmp_path: Path) -> None:
    live, staged = two
    with pytest.raises(FileNotFoundError, match="nowhere"):
        exchange.exchange(live, tmp_path / "nowhere")
    assert (names(live), names(staged)) == (["old"], ["new"])


def test_nothing_is_replaced_by_placing(two: tuple[Path, Path], tmp_path: Path) -> None:
    live, staged = two
    with pytest.raises(FileExistsError):
        exchange.place(staged, live)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileExistsError):
        exchange.place(staged, empty)  # a plain rename would replace it
    exchange.place(staged, tmp_path / "free")
    assert names(tmp_path / "free") == ["new"]
    assert not staged.exists()


def test_a_folder_that_can_be_renamed_is_not_by_asking(two: tuple[Path, Path]) -> None:
    live, _ = two
    before = live.stat().st_ino, names(live.parent), names(live)
    assert exchange.movable(live) == ""
    assert (live.stat().st_ino, names(live.parent), names(live)) == before


def test_a_symbolic_link_is_told(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(two[0])
    assert f"is a symbolic link to `{two[0]}`" in exchange.movable(tmp_path / ".venv")


@pytest.mark.slow
def test_a_mount_point_is_told(tmp_path: Path) -> None:
    with mounted("tmpfs", tmp_path / "env", megabytes=1) as live:
        assert "is a mount point" in exchange.movable(live)
        (tmp_path / "other").mkdir()
        with pytest.raises(OSError, match=r"busy|cross-device") as raised:
            exchange.exchange(live, tmp_path / "other")
        assert raised.value.errno in {errno.EBUSY, errno.EXDEV}
        assert not isinstance(raised.value, NotAtomicError)


@pytest.mark.slow
def test_a_lower_layer_of_an_image_is_told(tmp_path: Path) -> None:
    with layered(tmp_path / "disk") as (merged, _):
        assert "lower layer of a container's image" in exchange.movable(merged / "env")
        assert names(merged) == ["env"]
        (merged / "own").mkdir()
        assert exchange.movable(merged / "own") == ""


@pytest.mark.slow
def test_a_folder_that_may_not_be_changed_is_told(tmp_path: Path) -> None:
    live = tmp_path / "env"
    live.mkdir()
    if subprocess.run(["chattr", "+i", live], check=False, capture_output=True).returncode != 0:
        pytest.skip("this file system has no such bit, or we may not set it")
    try:
        assert "cannot be renamed: Operation not permitted" in exchange.movable(live)
    finally:
        subprocess.run(["chattr", "-i", live], check=True)


@pytest.mark.slow
def test_a_file_system_without_the_step_says_so_and_placing_works(tmp_path: Path) -> None:
    with mounted("exfat", tmp_path / "disk", megabytes=64) as disk:
        for name in ("first", "second"):
            (disk / name).mkdir()
            (disk / name / name).touch()
        with pytest.raises(NotAtomicError):
            exchange.exchange(disk / "first", disk / "second")
        with pytest.raises(FileExistsError):
            exchange.place(disk / "first", disk / "second")
        exchange.place(disk / "first", disk / "third")
        assert names(disk) == ["second", "third"]
