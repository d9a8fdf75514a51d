"""Markers for machines and Pythons that are not here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import InvalidMarker, Marker

from torchsmith.model.facts.machine import Machine
from torchsmith.model.markers import environment, holds

LINUX = environment(Machine("linux", "x86_64"), "3.12")
WINDOWS = environment(Machine("windows", "x86_64"), "3.13t")
MAC = environment(Machine("macos", "aarch64"), "3.12.4")


@pytest.mark.parametrize(
    ("marker", "values", "answer"),
    [
        ("", LINUX, True),
        ("sys_platform == 'linux'", LINUX, True),
        ("sys_platform == 'linux' and platform_machine != 'aarch64'", LINUX, True),
        ("python_version < '3.13'", WINDOWS, False),
        ("python_version >= '3.9' or extra == 'x'", LINUX, True),
        ("extra == 'x'", LINUX, None),
        ("extra == 'x' and sys_platform == 'darwin'", LINUX, False),
        ("(sys_platform == 'win32' or sys_platform=='darwin') and python_version>=\"3.10\"", MAC, True),
        ("platform_machine in 'arm64 aarch64'", MAC, True),
        ("'linux' in sys_platform", LINUX, True),
        ("python_version not in '3.8, 3.9'", LINUX, True),
        ("'3.12' <= python_version", LINUX, True),
        ("python_version > '3.9'", environment(Machine("linux", "x86_64"), "3.10"), True),
        ("python_full_version < '3.13'", LINUX, True),
        ("python_full_version >= '3.12.4'", LINUX, None),
        ("python_full_version == '3.12.4'", LINUX, None),
        ("python_full_version == '3.12.*'", LINUX, True),
        ("python_full_version == '3.12.4'", MAC, True),
        ("platform_system == 'Windows' and os_name == 'nt'", WINDOWS, True),
        ("sys.platform == 'linux'", LINUX, True),
        ("implementation_name == 'pypy'", LINUX, False),
        ("platform_release > '5'", LINUX, None),
        ("python_version >= '3.9'", environment(Machine("linux", "x86_64"), ""), None),
        ("python ^3.9", LINUX, None),
        ("nonsense", LINUX, None),
        ("sys_platform == 'linux' sys_platform", LINUX, None),
        ("((((", LINUX, None),
        ("(" * 500 + "sys_platform=='linux'" + ")" * 500, LINUX, None),
        ("sys_platform == 'linux' and " * 500 + "os_name == 'nt'", LINUX, None),
        ("\x1b[31m", LINUX, None),
    ],
)
def test_a_marker(marker: str, values: dict[str, str], answer: bool | None) -> None:
    assert holds(marker, values) is answer


ATOMS = st.sampled_from(
    [
        "sys_platform == 'linux'",
        "sys_platform != 'win32'",
        "python_version >= '3.10'",
        "python_version < '3.9'",
        "'arm' in platform_machine",
        "os_name == 'nt'",
        "platform_system == 'Linux'",
        "python_version == '3.12'",
        "python_version != '3.*'",
    ]
)
MARKERS = st.recursive(
    ATOMS,
    lambda inner: st.builds(lambda a, word, b: f"({a}) {word} {b}", inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=6,
)


@given(MARKERS)
def test_it_answers_as_packaging_does(marker: str) -> None:
    whole = {
        "python_full_version": "3.12.0",
        "implementation_version": "3.12.0",
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }
    assert holds(marker, LINUX) is Marker(marker).evaluate({**whole, **LINUX})


@given(st.text(alphabet="()'\"=<>!~ andornticvxspylfm_.3,\n\x1b", max_size=60))
def test_any_text_is_an_answer(text: str) -> None:
    answer = holds(text, LINUX)
    if answer is not None and text.strip():
        try:
            Marker(text)
        except InvalidMarker:
            assert "sys.platform" in text or "os.name" in text or "python_implementation" in text
