"""Folders and images as ``inspect`` takes them, with real libraries in them."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest
from tests.binaries import samples
from tests.binaries.test_image import LOWER, OTHER, REAL, UPPER, docker, packed

from torchsmith.app import inspect_image, inspect_tree
from torchsmith.app.inspect import Gpus, Wanted
from torchsmith.binaries import inspected
from torchsmith.host.base import Host
from torchsmith.host.local import LocalHost
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.inspected import BinaryObject
from torchsmith.model.known import Unknown
from torchsmith.report import inspection_json

NO_GPUS = Gpus((), None)


@pytest.mark.skipif(sys.platform == "win32", reason="hard links")
def test_paths_of_one_content_share_one_object(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"{number}").mkdir()
        for name, content in (("real.so", REAL), ("gpu.so", OTHER), ("text.so", b"no binary"), ("x.whl", b"PK\3\4")):
            path = tmp_path / f"{number}" / name
            path.hardlink_to(tmp_path / "0" / name) if number else path.write_bytes(content)
    wheels: list[str] = []
    found = dict(inspect_tree.objects(LocalHost(), [str(tmp_path)], wheels))
    assert (len(found), len(wheels)) == (24, 8)
    for name, content in (("real.so", REAL), ("gpu.so", OTHER)):
        same = {id(found[str(tmp_path / f"{number}" / name)]) for number in range(8)}
        assert len(same) == 1
        read = found[str(tmp_path / "0" / name)]
        assert isinstance(read, BinaryObject)
        alone = inspected.inspect(io.BytesIO(content), len(content), str(tmp_path / "0" / name))
        assert (read.needed, read.gpu_code, read.abi, read.size) == (alone.needed, alone.gpu_code, alone.abi, alone.size)
    assert isinstance(found[str(tmp_path / "3" / "text.so")], Unknown)


def test_what_cannot_be_looked_at_comes_last(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(OTHER)
    absent = str(tmp_path / "absent")
    found = list(inspect_tree.objects(LocalHost(), [absent, str(tmp_path)]))
    assert [path for path, _ in found] == [str(tmp_path / "x.so"), absent]


def test_a_recorded_machine_has_no_folders() -> None:
    found = list(inspect_tree.objects(Host(), ["/somewhere"]))
    assert found == [("/somewhere", Unknown("a recorded machine has no folders to walk", ("/somewhere",)))]


def test_an_image(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(docker(LOWER, UPPER))
    found = inspect_image.inspect(LocalHost(), str(path), Wanted(), NO_GPUS)
    first, *rest = found.entries
    about = dict(first.about)
    assert (first.kind, about["image"], about["platform"]) == ("image", "me/cuda:1", "linux/amd64")
    assert about["env"]["NVIDIA_REQUIRE_CUDA"] == "cuda>=12.4"
    assert len(about["layers"]) == 2
    names = ("opt/gpu.so", "usr/lib/libnew.so", "usr/lib/libreal.so.1")
    assert [entry.path for entry in rest] == [f"{path}/{name}" for name in names]
    assert dict(rest[1].about)["layer"] == about["layers"][1]["digest"]
    assert rest[0].binary is not None
    assert rest[0].binary.gpu_code is not None
    document = inspection_json.document(found)
    assert [one["format"] for one in document["objects"]] == ["image", "elf", "elf", "elf"]
    json.dumps(document)


def test_several_images_in_one_archive(tmp_path: Path) -> None:
    names = [{"Config": "c.json", "RepoTags": [tag], "Layers": ["l.tar"]} for tag in ("a:1", "b:1")]
    parts = [("c.json", b"{}"), ("l.tar", packed([("x.so", OTHER)])), ("manifest.json", json.dumps(names).encode())]
    path = tmp_path / "image.tar"
    path.write_bytes(packed(parts))
    found = inspect_image.inspect(LocalHost(), str(path), Wanted(), NO_GPUS)
    assert [entry.path for entry in found.entries[2:]] == [f"{path}/a:1/x.so", f"{path}/b:1/x.so"]
    assert not found.main


def test_a_tar_of_a_site_packages_with_a_library_from_a_wheel(tmp_path: Path) -> None:
    library = samples.real_elf()[-1]
    path = tmp_path / "site.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        file.add(library, f"site-packages/{library.name}.so")
        file.add(__file__, "site-packages/test.py")
    found = inspect_image.inspect(LocalHost(), str(path), Wanted(), NO_GPUS)
    assert [(entry.kind, entry.path) for entry in found.entries] == [
        ("tar", str(path)),
        ("elf", f"{path}/site-packages/{library.name}.so"),
    ]
    with library.open("rb") as opened:
        alone = inspected.inspect(opened, library.stat().st_size, f"site-packages/{library.name}.so")
    assert found.entries[1].binary == alone


@pytest.mark.parametrize("content", [b"no tar", b"\x1f\x8b\x08" + bytes(50), b"\xfd7zXZ\0" + bytes(600)])
def test_no_image_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    with pytest.raises(UnreadableInputError, match="cannot be read as an image"):
        inspect_image.inspect(LocalHost(), str(path), Wanted(), NO_GPUS)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="cannot be read as an image"):
        inspect_image.inspect(LocalHost(), str(tmp_path), Wanted(), NO_GPUS)
