"""The wheel that fits, as packaging and pip would choose it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging import tags as reference
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import InvalidVersion, Version

from torchsmith.binaries.wheel import filename
from torchsmith.derive import wheel_choice
from torchsmith.derive.wheel_choice import Platform, Python, choose
from torchsmith.model import pep440


def files(*names: str, requires: str = "", yanked: str | None = None) -> list[dict[str, Any]]:
    return [{"filename": name, "requires_python": requires, "yanked": yanked} for name in names]


LINUX = Platform("linux", "x86_64", (2, 36))
CP313 = Python("cp", (3, 13))

TORCH = files(
    *(f"torch-{v}-{p}-{x}.whl"
      for v in ("2.14.1", "2.15.0", "2.16.0rc1")
      for p in ("cp312-cp312", "cp313-cp313", "cp313-cp313t", "cp314-cp314")
      for x in ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64", "macosx_14_0_arm64")),
    requires=">=3.11",
)  # fmt: skip


@pytest.mark.parametrize(
    ("version", "python", "platform", "expected"),
    [
        ("2.15.0", "cp313", "linux-x86_64", "torch-2.15.0-cp313-cp313-manylinux_2_28_x86_64.whl"),
        ("2.15", "cp313t", "linux-aarch64", "torch-2.15.0-cp313-cp313t-manylinux_2_28_aarch64.whl"),
        ("", "cp312", "win_amd64", "torch-2.15.0-cp312-cp312-win_amd64.whl"),
        ("", "3.14", "windows-x86_64", "torch-2.15.0-cp314-cp314-win_amd64.whl"),
        ("2.14.1", "cp313", "macosx_15_0_arm64", "torch-2.14.1-cp313-cp313-macosx_14_0_arm64.whl"),
        ("2.14.1", "cp313", "macos-arm64", "torch-2.14.1-cp313-cp313-macosx_14_0_arm64.whl"),
        ("2.16.0rc1", "cp313", "manylinux_2_35_x86_64", "torch-2.16.0rc1-cp313-cp313-manylinux_2_28_x86_64.whl"),
    ],
)
def test_torch(version: str, python: str, platform: str, expected: str) -> None:
    interpreter, system = wheel_choice.python(python), wheel_choice.platform(platform)
    assert interpreter is not None
    assert system is not None
    found = choose(TORCH, "torch", version, interpreter, system)
    assert found.file is not None
    assert found.file["filename"] == expected


@pytest.mark.parametrize(
    ("version", "python", "platform", "words"),
    [
        ("2.15.0", "cp310", "linux-x86_64", "no wheel of torch 2.15.0 fits cp310 on linux-x86_64"),
        ("2.15.0", "cp313", "manylinux2014_x86_64", "fits cp313 on linux-x86_64 glibc 2.17"),
        ("2.15.0", "cp313", "macosx_12_0_arm64", "no wheel of torch 2.15.0 fits"),
        ("2.15.0", "cp313", "macos-x86_64", "no wheel of torch 2.15.0 fits"),
        ("2.13.0", "cp313", "linux-x86_64", "has no wheels of torch 2.13.0; it has 2.14.1, 2.15.0, 2.16.0rc1"),
    ],
)
def test_what_is_there_is_listed_where_nothing_fits(version: str, python: str, platform: str, words: str) -> None:
    interpreter, system = wheel_choice.python(python), wheel_choice.platform(platform)
    assert interpreter is not None
    assert system is not None
    found = choose(TORCH, "torch", version, interpreter, system)
    assert found.file is None
    assert words in found.why_none
    assert bool(found.there) == (version == "2.15.0")


def test_source_archives_are_named_as_what_they_are() -> None:
    sources = files("flash_attn-2.8.0.tar.gz")
    assert "source archive only" in choose(sources, "flash-attn", "2.8.0", CP313, LINUX).why_none
    assert "source archives only" in choose(sources, "flash-attn", "", CP313, LINUX).why_none


def test_yanked_files() -> None:
    some = [*files("a-2.0-py3-none-any.whl", yanked="broken"), *files("a-1.0-py3-none-any.whl")]
    newest = choose(some, "a", "", CP313, LINUX)
    assert newest.version == "1.0"
    asked = choose(some, "a", "2.0", CP313, LINUX)
    assert (asked.version, asked.notes) == ("2.0", ("this file was yanked: broken",))


def test_local_labels_build_numbers_and_pythons() -> None:
    some = files("a-1.0-py3-none-any.whl", "a-1.0+cu121-py3-none-any.whl", "a-1.0+cu121-2-py3-none-any.whl")
    found = choose(some, "A", "1.0", CP313, LINUX).file
    assert found is not None
    assert found["filename"] == "a-1.0+cu121-2-py3-none-any.whl"
    assert choose(files("a-1.0-py3-none-any.whl", requires="<3.13"), "a", "1.0", CP313, LINUX).file is None
    assert choose(files("a-1.0-py3-none-any.whl", requires=">=3.13.2"), "a", "1.0", CP313, LINUX).file is not None


NAMES = [
    f"a-1-{python}-{abi}-{platform}.whl"
    for python, abi in [
        ("cp313", "cp313"), ("cp313", "cp313t"), ("cp313", "abi3"), ("cp39", "abi3"), ("cp32", "abi3"), ("cp314", "abi3"),
        ("cp313", "none"), ("cp312", "none"), ("py3", "none"), ("py313", "none"), ("py39", "none"), ("py314", "none"),
        ("py2", "none"), ("py2.py3", "none"), ("cp312", "cp312"), ("pp310", "pypy310_pp73"),
    ]
    for platform in [
        "any", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux1_x86_64", "linux_x86_64",
        "manylinux_2_40_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64", "win_amd64", "win32", "macosx_11_0_arm64",
        "macosx_10_9_universal2", "macosx_12_0_x86_64", "macosx_14_0_arm64",
    ]
]  # fmt: skip


def reference_tags(python: Python, system: Platform) -> list[reference.Tag]:
    version = python.version
    if system.system == "windows":
        platforms = ["win_amd64"]
    elif system.system == "macos":
        platforms = list(reference.mac_platforms(system.libc, "arm64"))
    elif system.system == "musllinux":
        platforms = ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "musllinux_1_0_x86_64", "linux_x86_64"]
    else:
        old = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
        platforms = []
        for minor in range(36, 4, -1):
            platforms.append(f"manylinux_2_{minor}_x86_64")
            platforms += [f"{old[minor]}_x86_64"] if minor in old else []
        platforms.append("linux_x86_64")
    abi = f"cp{version[0]}{version[1]}{'t' if python.threaded else ''}"
    own = list(reference.cpython_tags(version, [abi], platforms))
    return own + list(reference.compatible_tags(version, f"cp{version[0]}{version[1]}", platforms))


@pytest.mark.parametrize(
    "system",
    [LINUX, Platform("musllinux", "x86_64", (1, 2)), Platform("windows", "x86_64"), Platform("macos", "aarch64", (13, 0))],
)
@pytest.mark.parametrize("python", [CP313, Python("cp", (3, 13), threaded=True), Python("cp", (3, 12))])
def test_order_of_tags_is_that_of_packaging(system: Platform, python: Python) -> None:
    places = {tag: place for place, tag in reversed(list(enumerate(reference_tags(python, system))))}
    expected: dict[str, int] = {}
    found: dict[str, tuple[int, ...]] = {}
    for name in NAMES:
        best = min((places[tag] for tag in parse_wheel_filename(name)[3] if tag in places), default=None)
        parts = filename(name)
        assert parts is not None
        rank = wheel_choice.fits(parts, python, system)
        assert (rank is None) == (best is None), name
        if rank is not None and best is not None:
            expected[name], found[name] = best, rank
    for one, other in itertools.combinations(expected, 2):
        if expected[one] != expected[other]:
            assert (expected[one] < expected[other]) == (found[one] > found[other]), (one, other)


@pytest.mark.parametrize("text", ["", "linux", "x86_64", "win_", "solaris-sparc", "manylinux_x_y_z"])
def test_what_is_no_platform(text: str) -> None:
    found = wheel_choice.platform(text)
    assert found is None or text == "win_"


@pytest.mark.parametrize("text", ["", "python", "cp", "cpx", "313t3"])
def test_what_is_no_python(text: str) -> None:
    assert wheel_choice.python(text) is None


VERSIONS = st.from_regex(
    r"(1!)?[0-9]{1,2}(\.[0-9]{1,2}){0,3}((a|b|rc|\.?alpha|-preview_)[0-9]{0,2})?(\.post[0-9]?|-[0-9])?"
    r"(\.dev[0-9]?)?(\+[a-z0-9]{1,5}([.-][0-9]{1,2})?)?",
    fullmatch=True,
)


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_as_packaging_does(one: str, other: str) -> None:
    assert (pep440.key(one) < pep440.key(other)) == (Version(one) < Version(other))
    assert (pep440.key(one) == pep440.key(other)) == (Version(one) == Version(other))
    assert pep440.is_prerelease(one) == Version(one).is_prerelease


@given(st.text(max_size=12))
def test_what_is_a_version_packaging_says_too(text: str) -> None:
    try:
        Version(text)
    except InvalidVersion:
        assert not pep440.is_version(text)
    else:
        assert pep440.is_version(text)


BOUNDS = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){1,2}", fullmatch=True)
OPERATORS = st.sampled_from(["==", "!=", "<", ">", "<=", ">=", "~="])


@given(st.lists(st.tuples(OPERATORS, BOUNDS, st.sampled_from(["", ".*"])), max_size=3), VERSIONS)
def test_version_sets_take_what_packaging_takes(clauses: list[tuple[str, str, str]], version: str) -> None:
    assume(all(operator in {"==", "!="} or not star for operator, _, star in clauses))
    text = ",".join(operator + bound + star for operator, bound, star in clauses)
    assert pep440.allows(text, version) == SpecifierSet(text).contains(version, prereleases=True), text
