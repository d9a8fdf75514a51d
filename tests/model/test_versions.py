from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from torchsmith.model import versions

RELEASES = st.lists(st.integers(0, 9999), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(RELEASES, RELEASES)
def test_at_least_agrees_with_packaging(one: str, other: str) -> None:
    assert versions.at_least(one, other) == (Version(one) >= Version(other))


@given(st.text(max_size=40))
def test_any_text_has_a_key(text: str) -> None:
    assert all(isinstance(number, int) for number in versions.key(text))


CASES = {
    "2.14.1+cu126": ((2, 14, 1), "cu126", False),
    "2.9.0.dev20250901+cu130": ((2, 9, 0), "cu130", True),
    "2.1.0a0+git1234": ((2, 1, 0), "git1234", True),
    "535.183.01": ((535, 183, 1), "", False),
    "2.5.0a0+872d972e41.nv24.08": ((2, 5, 0), "872d972e41.nv24.08", True),
    "": ((), "", False),
}


@pytest.mark.parametrize("text", CASES)
def test_parts(text: str) -> None:
    key, label, prerelease = CASES[text]
    assert (versions.key(text), versions.local_label(text), versions.is_prerelease(text)) == (key, label, prerelease)


@pytest.mark.parametrize(
    ("label", "cuda"), [("cu126", "12.6"), ("cu130", "13.0"), ("cu92", "9.2"), ("cpu", None), ("cu1", None), ("rocm6.4", None)]
)
def test_cuda_of_label(label: str, cuda: str | None) -> None:
    assert versions.cuda_of_label(label) == cuda
