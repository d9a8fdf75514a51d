"""Images in a tar: made by Python's tarfile, by umoci and skopeo where they are installed, and by somebody who means harm."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import random
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.binaries import samples
from torchsmith.binaries import image, inspected, layers, stream, tar
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.image import JSON_LIMIT, Archive
from torchsmith.binaries.layers import Files
from torchsmith.binaries.reader import Window
from torchsmith.binaries.tar import Member
from torchsmith.model.inspected import BinaryObject

REAL = samples.real_elf()[0].read_bytes()
"""A library that came in a wheel, or with this Python."""

OTHER = samples.elf([(".nv_fatbin", samples.container(samples.entry(2, 90)))])
CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "config": {
        "Env": ["PATH=/usr/bin", "LD_LIBRARY_PATH=/usr/local/nvidia/lib64", "NVIDIA_REQUIRE_CUDA=cuda>=12.4", "PASSWORD=secret"]
    },
}

Entry = tuple[str, bytes] | tuple[str, bytes, str]
"""Name and content; or name, type and link."""


def packed(entries: Sequence[Entry]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        for entry in entries:
            info = tarfile.TarInfo(entry[0])
            content = b""
            if len(entry) == 3:
                info.type, info.linkname = entry[1], entry[2]
            else:
                content = entry[1]
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return made.getvalue()


def docker(*blobs: bytes, config: object = CONFIG, legacy: bool = False) -> bytes:
    """What ``docker save`` writes: since version 25 (blobs), and before (folders)."""
    sums = [hashlib.sha256(blob).hexdigest() for blob in blobs]
    names = [f"{one}/layer.tar" if legacy else f"blobs/sha256/{one}" for one in sums]
    body: object = {**config, "rootfs": {"diff_ids": [f"sha256:{one}" for one in sums]}} if isinstance(config, dict) else config
    manifest = [{"Config": "config.json", "RepoTags": ["me/cuda:1"], "Layers": names}]
    parts = [("config.json", json.dumps(body).encode()), *zip(names, blobs, strict=True)]
    return packed([*parts, ("manifest.json", json.dumps(manifest).encode())])


def oci(*blobs: bytes, nested: bool = False) -> bytes:
    """An OCI image layout; ``nested`` with an index of platforms and an attestation, as ``docker buildx`` writes it."""
    parts: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def add(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        parts[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    manifest = {"schemaVersion": 2, "config": add(json.dumps(CONFIG).encode()), "layers": [add(blob) for blob in blobs]}
    top = add(json.dumps(manifest).encode())
    if nested:
        note = {**add(b"{}"), "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
        top = add(json.dumps({"schemaVersion": 2, "manifests": [top, note]}).encode())
    top["annotations"] = {"org.opencontainers.image.ref.name": "me:1"}
    parts["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [top]}).encode()
    return packed(list(parts.items()))


def opened(data: bytes) -> Archive:
    return Archive(io.BytesIO(data), len(data))


def told(archive: Archive, image: int = 0) -> dict[str, BinaryObject | str]:
    one = archive.images[image]
    return {found.path: answer for found, answer in archive.objects(one, archive.files(one))}


def as_file(content: bytes, name: str) -> BinaryObject:
    return inspected.inspect(io.BytesIO(content), len(content), name)


LOWER = packed([("usr/lib/libreal.so.1", REAL), ("./opt/gpu.so", OTHER), ("opt/gone.so", OTHER), ("etc/passwd", b"root")])
UPPER = packed([("opt/.wh.gone.so", b""), ("usr/lib/libnew.so", OTHER)])


@pytest.mark.parametrize("legacy", [False, True])
def test_docker_save(legacy: bool) -> None:
    archive = opened(docker(LOWER, UPPER, legacy=legacy))
    image = archive.images[0]
    assert (image.name, image.os, image.architecture) == ("me/cuda:1", "linux", "amd64")
    assert [layer.digest for layer in image.layers] == [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in (LOWER, UPPER)]
    assert told(archive) == {
        "usr/lib/libreal.so.1": as_file(REAL, "libreal.so.1"),
        "opt/gpu.so": as_file(OTHER, "gpu.so"),
        "usr/lib/libnew.so": as_file(OTHER, "libnew.so"),
    }
    assert not archive.warnings


def test_only_variables_about_gpus_and_loading_are_shown() -> None:
    assert dict(opened(docker(LOWER)).images[0].env) == {
        "PATH": "/usr/bin",
        "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64",
        "NVIDIA_REQUIRE_CUDA": "cuda>=12.4",
    }


@pytest.mark.parametrize("nested", [False, True])
def test_oci_archive_with_gzip(nested: bool) -> None:
    archive = opened(oci(gzip.compress(LOWER), gzip.compress(UPPER), nested=nested))
    assert [image.name for image in archive.images] == ["me:1"] or nested
    assert [layer.compression for layer in archive.images[0].layers] == ["gzip", "gzip"]
    assert sorted(told(archive)) == ["opt/gpu.so", "usr/lib/libnew.so", "usr/lib/libreal.so.1"]
    assert told(archive)["usr/lib/libreal.so.1"] == as_file(REAL, "libreal.so.1")


def test_a_compressed_archive_of_compressed_layers() -> None:
    archive = opened(gzip.compress(oci(gzip.compress(LOWER))))
    assert told(archive)["usr/lib/libreal.so.1"] == as_file(REAL, "libreal.so.1")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_plain_tar(pack: type[bytes]) -> None:
    archive = opened(pack(packed([("site-packages/a/x.so", REAL), ("site-packages/a/.wh.x.so", b""), ("n.txt", b"no")])))
    assert archive.images[0].name == ""
    assert told(archive) == {"site-packages/a/x.so": as_file(REAL, "x.so")}


def test_a_large_library_is_read_where_it_lies() -> None:
    large = REAL + bytes(6 << 20)
    blob = gzip.compress(packed([("a.so", large), ("b.so", OTHER), ("c.so", large)]), 1)
    assert told(opened(docker(blob))) == {
        "a.so": as_file(large, "a.so"),
        "b.so": as_file(OTHER, "b.so"),
        "c.so": as_file(large, "c.so"),
    }


def test_zstd_layers() -> None:
    """Without zstd in this Python, that is said of the layer, and the others are read."""
    try:
        from torchsmith.binaries import zstd

        pack = zstd.module().compress
    except BinaryError:
        archive = opened(docker(b"\x28\xb5\x2f\xfd" + bytes(600), UPPER))
        assert list(told(archive)) == ["usr/lib/libnew.so"]
        assert archive.warnings[0].endswith("zstd not available")
        return
    two_frames = pack(LOWER[:5000]) + pack(LOWER[5000:])
    skippable = b"\x50\x2a\x4d\x18\4\0\0\0abcd"
    large = packed([("z/large.so", REAL + bytes(6 << 20)), ("z/small.so", OTHER)])
    archive = opened(docker(two_frames + skippable, pack(large)))
    assert told(archive)["usr/lib/libreal.so.1"] == as_file(REAL, "libreal.so.1")
    assert told(archive)["z/small.so"] == as_file(OTHER, "small.so")
    assert not archive.warnings


def shown(*blobs: Sequence[Entry]) -> list[str]:
    return sorted(told(opened(docker(*(packed(one) for one in blobs)))))


@pytest.mark.parametrize(
    ("lower", "upper", "left"),
    [
        ([("a/x.so", OTHER)], [("a/.wh.x.so", b"")], []),
        ([("a/x.so", OTHER), ("b.so", OTHER)], [(".wh.a", b"")], ["b.so"]),
        ([("a/x.so", OTHER), ("a/b/y.so", OTHER)], [("a/.wh..wh..opq", b""), ("a/z.so", OTHER)], ["a/z.so"]),
        ([("a/x.so", OTHER)], [("a/z.so", OTHER), ("a/.wh..wh..opq", b"")], ["a/z.so"]),
        ([("a/x.so", OTHER)], [("a/x.so", OTHER), ("a/.wh.x.so", b"")], ["a/x.so"]),
        ([("x.so", OTHER)], [(".wh..wh..opq", b"")], []),
        ([("x.so", OTHER)], [(".wh..wh.plnk", b"")], ["x.so"]),
        ([("a/x.so", OTHER)], [("a", tarfile.SYMTYPE, "b")], []),
        ([("a/x.so", OTHER)], [("a", b"a file now")], []),
        ([("x.so", OTHER)], [("x.so", tarfile.DIRTYPE, "")], []),
        ([("x.so", OTHER)], [("x.so", tarfile.SYMTYPE, "y.so")], []),
        ([("a/x.so", OTHER)], [("a", tarfile.DIRTYPE, "")], ["a/x.so"]),
        ([("ab/x.so", OTHER)], [(".wh.a", b"")], ["ab/x.so"]),
        ([("x.so", OTHER), ("y.so", tarfile.LNKTYPE, "x.so")], [(".wh.x.so", b"")], ["y.so"]),
    ],
)
def test_upper_layers(lower: list[Entry], upper: list[Entry], left: list[str]) -> None:
    """As the OCI specification of layers has it."""
    assert shown(lower, upper) == left


def test_a_replaced_file_is_that_of_the_upper_layer() -> None:
    archive = opened(docker(packed([("x.so", REAL)]), packed([("x.so", OTHER)])))
    image = archive.images[0]
    ((found, answer),) = archive.objects(image, archive.files(image))
    assert (found.layer, answer) == (1, as_file(OTHER, "x.so"))


def test_hard_links_are_one_file_and_others_are_told() -> None:
    answers = told(opened(docker(packed([("x.so", REAL), ("y.so", tarfile.LNKTYPE, "x.so"), ("z.so", tarfile.LNKTYPE, "z.so")]))))
    assert answers["y.so"] == answers["x.so"] == as_file(REAL, "x.so")
    assert answers["z.so"] == "a hard link to a file that is not among the image's binaries"


def test_links_in_a_circle_between_layers_end() -> None:
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}]).encode()
    links = [("a/layer.tar", tarfile.SYMTYPE, "../b/layer.tar"), ("b/layer.tar", tarfile.SYMTYPE, "../a/layer.tar")]
    archive = opened(packed([*links, ("c.json", b"{}"), ("manifest.json", manifest)]))
    assert told(archive) == {}
    assert [layer.fault for layer in archive.images[0].layers] == ["it is not in the archive"] * 2


def test_a_layer_that_is_a_link_to_another() -> None:
    """As Docker saved a layer that two images have, before version 25."""
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["b/layer.tar"]}]).encode()
    parts: list[Entry] = [("a/layer.tar", LOWER), ("b/layer.tar", tarfile.SYMTYPE, "../a/layer.tar")]
    assert len(told(opened(packed([*parts, ("c.json", b"{}"), ("manifest.json", manifest)])))) == 3


def test_names_that_climb_stay_names() -> None:
    archive = opened(docker(packed([("../../etc/evil.so", OTHER), ("/absolute.so", OTHER)])))
    assert sorted(told(archive)) == ["../../etc/evil.so", "absolute.so"]
    assert archive.warnings == ["layer 0: 1 names climb out of the image"]


def test_a_layer_that_was_cut_short_keeps_its_beginning() -> None:
    whole = gzip.compress(packed([("a.so", OTHER), ("b.so", random.Random(0).randbytes(1 << 20))]))
    archive = opened(docker(whole[: len(whole) // 2]))
    answers = told(archive)
    assert isinstance(answers["a.so"], BinaryObject)
    assert "layer 0" in archive.warnings[0]


# ---- bombs


def test_a_layer_that_says_it_is_endless_is_not_unpacked() -> None:
    head = packed([("a.so", OTHER)])[: 512 * (2 + len(OTHER) // 512)]
    endless = tarfile.TarInfo("b.bin")
    endless.size = 1 << 45
    archive = opened(docker(gzip.compress(head + endless.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))))
    assert list(told(archive)) == ["a.so"]
    assert "MiB would have to be unpacked" in archive.warnings[0]


def test_unpacking_is_counted() -> None:
    budget = stream.Budget(1)
    unpacked = stream.opened(io.BytesIO(packing := gzip.compress(bytes(1 << 20))), len(packing), budget)
    assert unpacked.read_at(4, 1 << 19) == bytes(4)
    with pytest.raises(BinaryError, match="MiB would have to be unpacked"):
        unpacked.read_at(4, stream.ALWAYS + 1)


def test_going_back_is_counted() -> None:
    large = gzip.compress(bytes(16 << 20), 1)
    unpacked = stream.opened(io.BytesIO(large), len(large), stream.Budget(1))
    places = [(16 << 20) - 1, 0] * 2000
    with pytest.raises(BinaryError, match="MiB would have to be unpacked"):
        any(unpacked.read_at(1, place) == b"x" for place in places)


def test_a_manifest_of_a_gibibyte(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    info = tarfile.TarInfo("manifest.json")
    info.size = 1 << 30
    with path.open("wb") as file:
        file.write(info.tobuf())
        file.truncate((1 << 30) + 2048)
    with path.open("rb") as file:
        archive = Archive(file, path.stat().st_size)
    assert archive.warnings == [f"manifest.json: {1 << 30} bytes of JSON; at most {JSON_LIMIT} are read"]


@pytest.mark.parametrize(
    "manifest",
    [
        b"[" * 100_000,
        b"{}",
        b"[1, null]",
        b"nonsense",
        b'[{"Layers": 5, "RepoTags": {}}]',
        b'[{"Layers": ["nowhere"], "Config": []}]',
        b"1" * 5000,
    ],
)
def test_any_manifest_is_survived(manifest: bytes) -> None:
    archive = opened(packed([("manifest.json", manifest), ("x.so", OTHER)]))
    assert archive.images
    told(archive)


def member(name: str, size: int = 0) -> Member:
    return Member(name, "file", size, 0)


def test_layers_that_are_named_again_and_again_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MEMBERS_LIMIT", 100)
    archive = opened(docker(*[packed([(f"{number}.so", OTHER) for number in range(30)])] * 10))
    assert len(told(archive)) == 30
    assert "layer 3 " in archive.warnings[0]
    assert archive.warnings[0].endswith("more than 10 members: the rest was not read")


def test_binaries_of_all_images_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "BINARIES_LIMIT", 5)
    names = [{"Config": "c.json", "RepoTags": [f"{number}:1"], "Layers": ["l.tar"]} for number in range(4)]
    layer = packed([("x.so", OTHER), ("y.so", OTHER)])
    archive = opened(packed([("c.json", b"{}"), ("l.tar", layer), ("manifest.json", json.dumps(names).encode())]))
    assert [len(told(archive, number)) for number in range(4)] == [2, 2, 1, 0]
    assert "binaries in all images" in archive.warnings[0]


def test_a_million_binaries_are_counted() -> None:
    warnings: list[str] = []
    files = Files(warnings)
    files.add(0, (member(f"d/{number}.so") for number in range(layers.FILES_LIMIT + 10)))
    assert len(list(files)) == layers.FILES_LIMIT
    assert len(warnings) == 1


def test_a_million_times_the_same_whiteout_is_no_work() -> None:
    files = Files([])
    files.add(0, (member(f"d/{number}.so") for number in range(10_000)))
    files.add(1, (member(name) for number in range(10_000) for name in (f"d/n{number}.so", "d/.wh..wh..opq")))
    assert {found.layer for found in files} == {1}


def test_folders_without_end() -> None:
    warnings: list[str] = []
    files = Files(warnings)
    files.add(0, [member("/".join(["d"] * 1000) + "/x.so"), member("x.so")])
    assert [found.path for found in files] == ["x.so"]
    assert "folders deep" in warnings[0]


SEEDS = [
    docker(LOWER, UPPER),
    oci(gzip.compress(LOWER)),
    gzip.compress(packed([("x.so", OTHER)])),
    packed([("x.so", OTHER), ("y.so", tarfile.LNKTYPE, "x.so")]),
]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 1 << 24), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 1 << 24),
)
def test_damage_ends_in_an_answer_or_our_error(seed: bytes, damage: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(seed)
    for place, value in damage:
        at = place % len(data)
        data[at : at + len(value)] = value
    with contextlib.suppress(BinaryError):
        archive = opened(bytes(data[: len(data) - cut % len(data) // 4]))
        for number in range(len(archive.images)):
            told(archive, number)


NAMES = st.lists(
    st.sampled_from(["a", "b", "c.so", "d.so", ".wh.a", ".wh.c.so", ".wh..wh..opq", ".."]), min_size=1, max_size=4
).map("/".join)


@given(st.lists(st.lists(st.tuples(NAMES, st.sampled_from(["file", "dir", "symlink"])), max_size=8), max_size=4))
def test_what_is_left_is_what_unpacking_one_layer_after_the_other_leaves(changes: list[list[tuple[str, str]]]) -> None:
    files = Files([])
    left: dict[str, int] = {}
    for number, layer in enumerate(changes):
        entries = [(name, kind) for name, kind in layer if ".." not in name.split("/")]
        files.add(number, [Member(name, kind, 0, 0) for name, kind in entries])
        below = dict(left)
        for name, kind in entries:
            folder, _, last = name.rpartition("/")
            if last == ".wh..wh..opq":
                gone = {path for path in below if not folder or path.startswith(folder + "/")}
                left = {path: at for path, at in left.items() if not (path in gone and at < number)}
            elif last.startswith(".wh."):
                hidden = f"{folder}/{last[4:]}".lstrip("/")
                left = {
                    path: at for path, at in left.items() if at == number or not (path == hidden or path.startswith(hidden + "/"))
                }
            else:
                left.pop(name, None)
                if kind != "dir":
                    left = {path: at for path, at in left.items() if not path.startswith(name + "/")}
                if kind == "file" and last.endswith(".so"):
                    left[name] = number
    assert {found.path: found.layer for found in files} == left


# ---- other people's tools


@pytest.mark.skipif(not (shutil.which("skopeo") and shutil.which("umoci")), reason="needs skopeo and umoci")
@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_agrees_with_what_umoci_unpacks(form: str, tmp_path: Path) -> None:
    """Real tools make an image of two layers; what is unpacked by umoci is what is found in the archive."""

    def run(*words: object) -> None:
        subprocess.run([str(word) for word in words], check=True, capture_output=True, cwd=tmp_path)

    run("umoci", "init", "--layout", "image")
    run("umoci", "new", "--image", "image:one")
    run("umoci", "unpack", "--rootless", "--image", "image:one", "work")
    root = tmp_path / "work" / "rootfs"
    for name, content in (("usr/lib/libreal.so.1", REAL), ("opt/a/x.so", OTHER), ("opt/b/y.so", OTHER)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "usr/lib/libreal.so").symlink_to("libreal.so.1")
    (root / "usr/lib/hard.so").hardlink_to(root / "usr/lib/libreal.so.1")
    run("umoci", "repack", "--refresh-bundle", "--image", "image:one", "work")
    shutil.rmtree(root / "opt/a")
    (root / "opt/b/y.so").write_bytes(REAL)
    run("umoci", "repack", "--image", "image:one", "work")
    run("umoci", "config", "--image", "image:one", "--config.env", "NVIDIA_VISIBLE_DEVICES=all")
    run("skopeo", "copy", "oci:image:one", f"{form}:made.tar:me:1")
    archive = opened((tmp_path / "made.tar").read_bytes())
    unpacked = {path for path in root.rglob("*.so*") if path.is_file() and not path.is_symlink()}
    assert told(archive) == {str(path.relative_to(root)): as_file(path.read_bytes(), path.name) for path in unpacked}
    assert len(archive.images[0].layers) == 2
    assert dict(archive.images[0].env)["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert not archive.warnings


def test_a_window_reads_a_layer_in_place() -> None:
    """The smallest piece of the chain, without Archive: a tar in a tar."""
    data = docker(LOWER)
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        blob = next(one for one in file if one.name.startswith("blobs"))
    window = Window(io.BytesIO(data), blob.offset_data, blob.size, len(data))
    assert [one.name for one in tar.members(window.read_at, [])] == [
        "usr/lib/libreal.so.1",
        "./opt/gpu.so",
        "opt/gone.so",
        "etc/passwd",
    ]
