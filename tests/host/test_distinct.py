"""Many paths, few contents: hard links, links to a store, and copies that a RECORD vouches for."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from torchsmith.host import copies, distinct, tree
from torchsmith.host.base import Candidate
from torchsmith.model.known import Fact, Known, Unknown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")


class Reads:
    """A reading that remembers what it was asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, path: str) -> Fact[Any]:
        self.paths.append(path)
        if path.endswith("bad.so"):
            return Unknown("bad", (path,))
        return Known({"sum": hashlib.sha256(Path(path).read_bytes()).hexdigest()}, path)


def answers(root: Path) -> tuple[dict[str, Fact[Any]], list[str]]:
    reads = Reads()
    files = [one for one in tree.walk(str(root)) if isinstance(one, Candidate)]
    found = list(distinct.binaries(reads, files, workers=1))
    assert len(found) == len(files)
    return dict(found), reads.paths


def install(site: Path, content: bytes, claimed: bytes | None = None) -> Path:
    """A wheel's library in a site-packages, with its RECORD."""
    library = site / "torch" / "lib" / "libtorch.so"
    library.parent.mkdir(parents=True)
    library.write_bytes(content)
    info = site / "torch-1.dist-info"
    info.mkdir()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content if claimed is None else claimed).digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"torch/lib/libtorch.so,sha256={digest},{len(content)}\ntorch-1.dist-info/RECORD,,\n")
    return library


CONTENT = random.Random(0).randbytes(copies.SMALL + 9000)


def test_links_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "x.so").write_bytes(b"x")
    (tmp_path / "store" / "bad.so").write_bytes(b"y")
    for number in range(20):
        (tmp_path / f"envs/{number}").mkdir(parents=True)
        for name in ("x.so", "bad.so"):
            path = tmp_path / f"envs/{number}/{name}"
            path.symlink_to(tmp_path / "store" / name) if number % 2 else path.hardlink_to(tmp_path / "store" / name)
    found, read = answers(tmp_path / "envs")
    assert (len(found), len(read)) == (40, 2)
    assert all(
        answer == Known({"sum": hashlib.sha256(b"x").hexdigest()}, path)
        for path, answer in found.items()
        if path.endswith("x.so")
    )
    assert all(isinstance(answer, Unknown) for path, answer in found.items() if path.endswith("bad.so"))


def test_copies_of_one_wheel_are_read_once(tmp_path: Path) -> None:
    for number in range(10):
        install(tmp_path / str(number) / "site-packages", CONTENT)
    found, read = answers(tmp_path)
    assert (len(found), len(read), len({str(answer) for answer in found.values()})) == (10, 1, 10)
    assert len({answer.value["sum"] for answer in found.values() if isinstance(answer, Known)}) == 1


@pytest.mark.parametrize("place", [0, len(CONTENT) - 1])
def test_a_copy_that_was_patched_is_read_for_itself(place: int, tmp_path: Path) -> None:
    install(tmp_path / "a/site-packages", CONTENT)
    patched = bytearray(CONTENT)
    patched[place] ^= 1
    install(tmp_path / "b/site-packages", bytes(patched), claimed=CONTENT)
    _, read = answers(tmp_path)
    assert len(read) == 2


def test_other_contents_of_one_name_and_size_are_read_each(tmp_path: Path) -> None:
    install(tmp_path / "a/site-packages", CONTENT)
    install(tmp_path / "b/site-packages", CONTENT[:5000] + bytes(len(CONTENT) - 10000) + CONTENT[-5000:])
    _, read = answers(tmp_path)
    assert len(read) == 2


def test_a_record_of_another_size_vouches_for_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        library = install(tmp_path / name / "site-packages", CONTENT)
        library.write_bytes(CONTENT + b"more")
    _, read = answers(tmp_path)
    assert len(read) == 2


def test_copies_without_a_record_are_read_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.rmtree(install(tmp_path / name / "site-packages", CONTENT).parents[2] / "torch-1.dist-info")
    _, read = answers(tmp_path)
    assert len(read) == 2


def test_what_is_remembered_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose answer was forgotten is read again, and everybody still has an answer."""
    monkeypatch.setattr(distinct, "PATHS_LIMIT", 8)
    (tmp_path / "store").mkdir()
    for number in range(40):
        (tmp_path / "store" / f"{number}.so").write_bytes(bytes([number]))
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        for number in range(40):
            os.link(tmp_path / "store" / f"{number}.so", tmp_path / name / f"{number}.so")
    assert len(answers(tmp_path)[1]) == 40
    monkeypatch.setattr(distinct, "REMEMBERED", 2000)
    found, read = answers(tmp_path)
    assert len(found) == 160
    assert len(read) > 40, "some were forgotten"
    for path, answer in found.items():
        assert isinstance(answer, Known)
        assert answer.value["sum"] == hashlib.sha256(Path(path).read_bytes()).hexdigest()
