"""Real folders with links, cycles, pipes and names of all kinds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from torchsmith.host import tree
from torchsmith.host.base import Candidate
from torchsmith.host.local import LocalHost
from torchsmith.model.binary_names import is_binary_name
from torchsmith.model.known import Unknown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


def fill(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def walked(*paths: Path, limit: int = tree.NAMES_LIMIT) -> tuple[list[str], list[Unknown]]:
    found = [one for path in paths for one in tree.walk(str(path), limit)]
    return sorted(one.path for one in found if isinstance(one, Candidate)), [one for one in found if isinstance(one, Unknown)]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("libc10.so", True),
        ("libcudart-e409450e.so.11.0", True),
        ("libcudnn.so.9", True),
        ("_C.cp311-win_amd64.pyd", True),
        ("TORCH_CUDA.DLL", True),
        ("libnccl_static.a", True),
        ("kernel.cubin", True),
        ("libssl.so.1.1.hmac", False),
        ("libfoo.so.bak", False),
        ("so", False),
        ("module.py", False),
        ("data.sob", False),
    ],
)
def test_names(name: str, is_one: bool) -> None:
    assert is_binary_name(name) is is_one


def test_finds_binaries_by_name_with_their_identity(tmp_path: Path) -> None:
    fill(tmp_path, "a/lib.so", "a/b/c/lib.so.1.2", "a/readme.txt", "wheels/x.whl")
    found, unseen = walked(tmp_path)
    assert found == [str(tmp_path / name) for name in ("a/b/c/lib.so.1.2", "a/lib.so", "wheels/x.whl")]
    assert not unseen
    one = next(one for one in tree.walk(str(tmp_path / "a" / "b")) if isinstance(one, Candidate))
    stat = (tmp_path / "a/b/c/lib.so.1.2").stat()
    assert one == Candidate(one.path, stat.st_size, stat.st_mtime_ns, stat.st_dev, stat.st_ino, 1)


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    """Neither in a circle nor out of the tree; only the second is worth a word."""
    fill(tmp_path, "root/lib/x.so", "elsewhere/y.so")
    (tmp_path / "root/lib64").symlink_to("lib")
    (tmp_path / "root/lib/up").symlink_to("..")
    (tmp_path / "root/out").symlink_to("../elsewhere")
    found, unseen = walked(tmp_path / "root")
    assert found == [str(tmp_path / "root/lib/x.so")]
    assert unseen == [Unknown("a link to a folder outside: not followed", (str(tmp_path / "root/out"),))]


def test_links_to_files_count_where_they_lead_to_a_store(tmp_path: Path) -> None:
    fill(tmp_path, "env/lib/real.so.1", "store/torch.so", "env/blob")
    (tmp_path / "env/lib/real.so").symlink_to("real.so.1")
    (tmp_path / "env/torch.so").symlink_to(tmp_path / "store" / "torch.so")
    (tmp_path / "env/named.so").symlink_to("blob")
    (tmp_path / "env/dangling.so").symlink_to(tmp_path / "nowhere.so")
    found, unseen = walked(tmp_path / "env")
    assert found == [str(tmp_path / "env" / name) for name in ("lib/real.so.1", "named.so", "torch.so")]
    assert unseen == [Unknown("No such file or directory", (str(tmp_path / "env/dangling.so"),))]


def test_a_tree_reached_by_a_link_is_walked_as_that_tree(tmp_path: Path) -> None:
    fill(tmp_path, "real/lib/x.so.1")
    (tmp_path / "real/lib/x.so").symlink_to(tmp_path / "real/lib/x.so.1")
    (tmp_path / "link").symlink_to("real")
    assert walked(tmp_path / "link") == ([str(tmp_path / "link/lib/x.so.1")], [])


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.so")
    (tmp_path / "folder.so").mkdir()
    assert walked(tmp_path) == ([], [])


def test_names_are_bounded(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{number}.so" for number in range(20)))
    found, unseen = walked(tmp_path, limit=5)
    assert len(found) == 5
    assert unseen == [Unknown("more than 5 names: the rest was not looked at", (str(tmp_path),))]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads every folder")
def test_a_closed_folder_is_told(tmp_path: Path) -> None:
    fill(tmp_path, "closed/x.so", "open/y.so")
    (tmp_path / "closed").chmod(0)
    found, unseen = walked(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert found == [str(tmp_path / "open/y.so")]
    assert unseen == [Unknown("Permission denied", (str(tmp_path / "closed"),))]


def test_a_list_takes_files_of_any_name_and_folders(tmp_path: Path) -> None:
    fill(tmp_path, "anything", "folder/x.so", "folder/y.txt")
    paths = [str(tmp_path / name) for name in ("anything", "folder", "absent", "nul\0")]
    found = list(LocalHost().tree(*paths))
    assert [one.path for one in found if isinstance(one, Candidate)] == [paths[0], str(tmp_path / "folder/x.so")]
    assert [one.tried for one in found if isinstance(one, Unknown)] == [(paths[2],), (paths[3],)]


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    strange = os.fsencode(tmp_path) + b"/\xff\xfe.so"
    with open(strange, "wb"):  # noqa: PTH123 - bytes
        pass
    assert [os.fsencode(path) for path in walked(tmp_path)[0]] == [strange]
