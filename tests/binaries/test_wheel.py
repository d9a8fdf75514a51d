"""Wheels and their RECORDs: real ones, and those that something went wrong with."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.binaries import samples
from tests.binaries.samples import MIB, opened
from tests.lab.cache import Unavailable, built, unavailable
from torchsmith.binaries import dist_record, inspected, wheel
from torchsmith.binaries.errors import BinaryError

NAME = "thing-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
METADATA = """Metadata-Version: 2.1
Name: thing
Version: 1.0
Summary: first line
        and more: of it
Requires-Python: >=3.9
Requires-Dist: nvidia-cuda-runtime-cu12 (==12.8.90) ; platform_system == "Linux"
Requires-Dist: NVIDIA_cudnn.cu12==9.10.2.21; platform_system == "Linux"
Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.3; platform_system == "Linux"
Requires-Dist: numpy>=1.0,<3
Requires-Dist: other==1.*
Requires-Dist: optree==0.13.0; extra == "optree"

Requires-Dist: of-the-description==1
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n"
LIBRARY = samples.elf([(".rodata", b"\0sm_75 sm_80\0")])


def made(members: dict[str, bytes | str], *, record: bool = True) -> bytes:
    """A wheel with these members and a RECORD of them."""
    data = {name: content.encode() if isinstance(content, str) else content for name, content in members.items()}
    rows = [f"{name},sha256={digest(content)},{len(content)}" for name, content in data.items()]
    if record:
        data["thing-1.0.dist-info/RECORD"] = ("\n".join([*rows, "thing-1.0.dist-info/RECORD,,"]) + "\n").encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in data.items():
            archive.writestr(name, content)
    return file.getvalue()


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


MEMBERS: dict[str, bytes | str] = {
    "thing/__init__.py": "",
    "thing/core.so": LIBRARY,
    "thing.libs/libcudart-e409450e.so.11.0": LIBRARY,
    "thing/broken.so.1": b"\x7fELF" + bytes(20),
    "thing/notes.sock": "no library",
    "thing-1.0.dist-info/METADATA": METADATA,
    "thing-1.0.dist-info/WHEEL": WHEEL,
}


def read(data: bytes, name: str = NAME) -> wheel.Wheel:
    return wheel.read(*opened(data), name)[0]


def test_a_wheel() -> None:
    found = read(made(MEMBERS))
    assert (found.name, found.version, found.tags, found.pure) == ("thing", "1.0", ("cp311-cp311-linux_x86_64",), False)
    assert found.requires_python == ">=3.9"
    assert len(found.requires) == 6
    assert found.pins == (
        ("nvidia-cuda-runtime-cu12", "12.8.90"),
        ("nvidia-cudnn-cu12", "9.10.2.21"),
        ("cuda-toolkit", "13.0.3"),
    )
    assert [(native.path, native.plain) for native in found.natives] == [
        ("thing.libs/libcudart-e409450e.so.11.0", "libcudart.so.11.0"),
        ("thing/broken.so.1", ""),
        ("thing/core.so", ""),
    ]
    assert found.members == 8
    assert not found.warnings


def test_its_libraries_are_read_one_by_one() -> None:
    file, size = opened(made(MEMBERS))
    found, archive = wheel.read(file, size, NAME)
    objects = {path: (read, problem) for path, read, problem in wheel.objects(file, archive, found, inspected.inspect)}
    assert list(objects) == [native.path for native in found.natives]
    assert objects["thing/core.so"][0] == inspected.inspect(*opened(LIBRARY), "thing/core.so")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("torch.libs/libgomp-a34b3233.so.1", "libgomp.so.1"),
        ("x/libcudart-e409450e.so.11.0", "libcudart.so.11.0"),
        ("x/msvcp140-263139962577ecda4cd9469ca360a746.dll", "msvcp140.dll"),
        ("x/libcusparseLt-f8b4a9fb.so.0", "libcusparseLt.so.0"),
        ("x/libtorch-cpu.so", ""),
        ("x/libc10.so", ""),
    ],
)
def test_names_that_a_repair_tool_changed(name: str, plain: str) -> None:
    assert wheel.plain_name(name) == plain


@pytest.mark.parametrize(
    "name",
    [
        "torch-2.15.0-cp313-cp313-manylinux_2_28_x86_64.whl",
        "torch-2.2.2+cu121-cp311-cp311-linux_x86_64.whl",
        "xformers-0.0.35-py39-none-manylinux_2_28_x86_64.whl",
        "numpy-2.3.1-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "six-1.16.0-py2.py3-none-any.whl",
        "a-1.0-2abc-py3-none-any.whl",
    ],
)
def test_a_file_name_is_read_as_packaging_reads_it(name: str) -> None:
    found = wheel.filename(name)
    project, version, build, tags = parse_wheel_filename(name)
    assert found is not None
    assert (wheel.normalised(found.name), found.version) == (project, str(version))
    assert {f"{p}-{a}-{x}" for p in found.python for a in found.abi for x in found.platform} == {str(tag) for tag in tags}
    assert found.build == "".join(map(str, build))


@pytest.mark.parametrize("name", ["", "torch.whl", "torch-2.0.tar.gz", "a-b-c-d.whl", "../a-1-py3-none-any.whl", "a" * 5000])
def test_what_is_no_wheel_name(name: str) -> None:
    assert wheel.filename(name) is None


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,12}[A-Za-z0-9])?", fullmatch=True))
def test_names_are_normalised_as_packaging_does(name: str) -> None:
    assert wheel.normalised(name) == canonicalize_name(name)


@given(st.sampled_from(["a", "a-b[c]", "A.b"]), st.sampled_from(["==1.0", " (==1.0+cu1)", ">=1", "==1.*", "===x", "==1,<2", ""]),
       st.sampled_from(["", "; extra == 'x'", ' ; python_version < "3.15"']))  # fmt: skip
def test_pins_are_those_that_packaging_sees(name: str, version: str, marker: str) -> None:
    requirement = Requirement(line := name + version + marker)
    clauses = list(requirement.specifier)
    exact = len(clauses) == 1 and clauses[0].operator in {"==", "==="} and not clauses[0].version.endswith("*")
    expected = [(canonicalize_name(requirement.name), clauses[0].version)] if exact and "extra" not in marker else []
    assert list(wheel.pins([line])) == expected


class TestMalformed:
    def test_without_its_own_folder(self) -> None:
        found = read(made({"thing/core.so": LIBRARY}, record=False))
        assert (found.name, found.version) == ("thing", "1.0")
        assert [native.path for native in found.natives] == ["thing/core.so"]
        assert any("not a whole wheel" in warning for warning in found.warnings)

    def test_with_two_of_them(self) -> None:
        found = read(made({**MEMBERS, "aaa-2.dist-info/METADATA": "Name: aaa\nVersion: 2\n"}))
        assert found.name == "thing"
        assert any("2 .dist-info folders" in warning for warning in found.warnings)

    def test_under_a_false_name(self) -> None:
        assert any("METADATA says thing" in w for w in read(made(MEMBERS), NAME.replace("thing", "torch")).warnings)

    def test_a_metadata_bomb(self) -> None:
        found = read(made({**MEMBERS, "thing-1.0.dist-info/METADATA": bytes(20 * MIB)}))
        assert (found.name, found.pins) == ("thing", ())
        assert any("claims 20971520 bytes" in warning for warning in found.warnings)

    def test_cut_short(self) -> None:
        data = made({"thing/core.so": LIBRARY, "thing/large.so": LIBRARY + bytes(range(256)) * 4000, "z": "end"})
        found = read(data[: len(data) * 2 // 3])
        assert "thing/core.so" in [native.path for native in found.natives]
        assert any("cut short" in warning for warning in found.warnings)

    def test_a_conda_package(self) -> None:
        with pytest.raises(BinaryError, match="a conda package"):
            read(made({"metadata.json": "{}", "pkg-torch-2.0.tar.zst": b"", "info-torch-2.0.tar.zst": b""}), "torch-2.0.conda")

    @pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 9])
    def test_no_wheel_at_all(self, data: bytes) -> None:
        with pytest.raises(BinaryError):
            read(data)

    @given(st.text(max_size=300))
    @settings(max_examples=100)
    def test_any_metadata(self, text: str) -> None:
        for _, value in wheel.headers(text):
            assert isinstance(value, str)
        list(wheel.pins(text.splitlines()))

    def test_long_lines_of_metadata_end_soon(self) -> None:
        for line in ("a" * MIB, "a[" * 100_000, "a==" + "1." * 100_000, "a ( " * 100_000, "a" + " " * 200_000 + "x"):
            assert list(wheel.pins([line])) in ([], [("a", "1." * 100_000)])


class TestRecord:
    def test_rows(self) -> None:
        warnings: list[str] = []
        text = '"a,b.py",sha256=abc,12\r\nc.pyc,,\r\nbad row\nd,sha256,1\ne,sha256=x,-1\n"with ""quotes""",,0\n'
        assert dist_record.parse(text, warnings) == [("a,b.py", "sha256=abc", 12), ("c.pyc", "", None), ('with "quotes"', "", 0)]
        assert warnings == ["3 lines of RECORD are no rows of path, hash and size"]

    @pytest.mark.parametrize(
        ("path", "levels", "expected"),
        [
            ("torch/a.py", 0, True),
            ("torch/../a.py", 0, True),
            ("../a.py", 0, False),
            ("../../../bin/torchrun", 3, True),
            ("../../../../etc/passwd", 3, False),
            ("a/../../../../../x", 3, False),
            ("/etc/passwd", 3, False),
            ("C:\\x", 3, False),
            ("..\\..\\..\\..\\x", 3, False),
            ("a\0b", 3, False),
            ("", 3, False),
        ],
    )
    def test_paths_that_climb(self, path: str, levels: int, expected: bool) -> None:
        assert dist_record.inside(path, levels) is expected

    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        with contextlib.suppress(BinaryError):
            dist_record.parse(text, [])

    def test_too_large(self) -> None:
        with pytest.raises(BinaryError, match="more than"):
            dist_record.parse("a,,\n" * 200_002, [])
        with pytest.raises(BinaryError, match="at most"):
            dist_record.read(io.BytesIO(), 1 << 40, [])
        with pytest.raises(BinaryError, match="cannot be read"):
            dist_record.parse('"' + "a" * 200_000, [])

    @pytest.mark.parametrize("hashed", [False, True])
    def test_a_wheel_against_its_record(self, hashed: bool) -> None:
        sound = made(MEMBERS)
        file, size = opened(sound)
        found = wheel.compare_record(file, wheel.read(file, size, NAME)[1], hashed)
        assert found["rows"] == 8
        assert not any(found[kind] for kind in ("missing", "sizes", "altered", "refused", "unlisted", "unread", "warnings"))
        record = f"thing/core.so,sha256={digest(b'other')},{len(LIBRARY)}\nthing/gone.so,,\n../up,,\nthing/__init__.py,,7\n"
        file, size = opened(made({**MEMBERS, "thing-1.0.dist-info/RECORD": record}, record=False))
        found = wheel.compare_record(file, wheel.read(file, size, NAME)[1], hashed)
        assert found["missing"] == ["thing/gone.so"]
        assert found["refused"] == ["../up"]
        assert found["sizes"] == [["thing/__init__.py", 0, 7]]
        assert found["altered"] == (["thing/core.so"] if hashed else [])
        assert "thing/broken.so.1" in found["unlisted"]


def downloaded(requirement: str) -> Path:
    """A real wheel from the configured index."""

    def fetch(folder: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
            str(folder),
            requirement,
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            unavailable("index", done.stderr[-300:])

    try:
        return next(built(f"wheel-{requirement.partition('==')[0]}", {"wheel": requirement}, fetch).glob("*.whl"))
    except Unavailable as why:
        pytest.skip(str(why))


@pytest.mark.online
@pytest.mark.parametrize("requirement", ["markupsafe==3.0.2", "numpy==2.1.3"])
def test_a_real_wheel(requirement: str) -> None:
    path = downloaded(requirement)
    with path.open("rb") as file:
        found, archive = wheel.read(file, path.stat().st_size, path.name)
        compared = wheel.compare_record(file, archive, hashed=True)
        objects = list(wheel.objects(file, archive, found, inspected.inspect))
    assert (wheel.normalised(found.name), found.version) == (requirement.partition("==")[0], requirement.partition("==")[2])
    assert set(found.tags) == {str(tag) for tag in parse_wheel_filename(path.name)[3]}
    assert compared["rows"] == found.members
    assert not any(compared[kind] for kind in ("missing", "sizes", "altered", "refused", "unlisted", "unread", "warnings"))
    assert objects
    with zipfile.ZipFile(path) as reference:
        for name, read, problem in objects:
            data = reference.read(name)
            assert (read, problem) == (inspected.inspect(io.BytesIO(data), len(data), name), "")
