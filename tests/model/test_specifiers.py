"""Versions as PEP 440, Poetry, conda and pixi write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.model.specifiers import allowed, version_of_url, wished


@pytest.mark.parametrize(
    ("specifier", "where", "version", "answer"),
    [
        ("", "project", "2.9.0", True),
        ("<2.9", "project", "2.8.0+cu128", True),
        ("<2.9", "project", "2.9.0", False),
        ("==2.8.0+cu128", "project", "2.8.0+cu129", False),
        ("==2.8.0+cu128", "project", "2.8.0+cu128", True),
        ("===2.9.1", "project", "2.9.1+cu128", True),
        ("(>=2.0)", "project", "2.1.0", True),
        ("~=2.3", "project", "2.9.0", True),
        ("^2.3", "project", "2.9.0", None),
        ("latest", "project", "2.9.0", None),
        ("==\x1b[31m2.0", "project", "2.0", None),
        ("@ https://x/whl/cu128/torch-2.9.1%2Bcu128-cp312-cp312-linux_x86_64.whl", "project", "2.9.1+cu128", True),
        ("@ https://x/whl/cu128/torch-2.9.1%2Bcu128-cp312-cp312-linux_x86_64.whl", "project", "2.9.1+cu126", False),
        ("@ git+https://example.com/torch", "project", "2.9.1+cu126", None),
        ("^2.3", "poetry", "2.9.1+cu128", True),
        ("^2.3", "poetry", "3.0.0", False),
        ("^0.18", "poetry", "0.19.0", False),
        ("^0.0.3", "poetry", "0.0.4", False),
        ("~2.3", "poetry", "2.3.1", True),
        ("~2.3", "poetry", "2.4.0", False),
        ("~2", "poetry", "2.4.0", True),
        ("~=2.3", "poetry", "2.9.0", True),
        (">=2.3.0,<3.0.0", "poetry", "2.9.0+cu128", True),
        (">=2.3 <3", "poetry-group:dev", "2.5.0", True),
        ("2.3.1", "poetry", "2.3.1+cu121", True),
        ("2.3.*", "poetry", "2.3.1", True),
        ("!=2.5.*", "poetry", "2.5.1", False),
        ("^2.3 || ^1.13", "poetry", "1.13.1", True),
        ("^2.3 || ^1.13", "poetry", "1.12.1", False),
        ("^", "poetry", "2.0", None),
        ("*", "pipenv", "2.9.0", True),
        ("==2.9.1", "pipenv", "2.9.1+cu126", True),
        ("=2.5", "conda", "2.5.1", True),
        ("=2.5", "conda", "2.6.0", False),
        ("=2.5.1=py3.12_cuda12.4_0", "conda", "2.5.1", True),
        ("2.5.* *cuda*", "conda", "2.5.1", True),
        ("==2.5.1", "conda", "2.5.1+cu124", True),
        ("2.5.1", "pixi", "2.5.0", False),
        ("2.5.*", "pixi", "2.5.1", True),
        (">=2.5,<2.7", "pixi", "2.7.0", False),
        ("2.4.*|2.6.*", "pixi", "2.6.0", True),
        (">=2.5", "conda-pip", "2.6.0", True),
        (">=" + "1" * 5000, "project", "2.0", None),
    ],
)
def test_what_is_asked_for(specifier: str, where: str, version: str, answer: bool | None) -> None:
    assert allowed(specifier, where, version) is answer


@given(
    st.text(alphabet="0123456789.=<>!~^*|, +@/:abcu\x1b", max_size=80), st.sampled_from(["project", "poetry", "conda", "pixi"])
)
def test_any_text_is_an_answer(specifier: str, where: str) -> None:
    assert allowed(specifier, where, "2.9.1+cu128") in {True, False, None}


def test_the_version_in_an_address() -> None:
    assert version_of_url("@ https://x/torch-2.9.1%2Bcu128-cp312-cp312-win_amd64.whl#sha256=ab") == "2.9.1+cu128"
    assert not version_of_url("https://x/torch.zip")


@pytest.mark.parametrize(
    ("specifier", "version", "answer"),
    [
        ("==2.9.*+cu128", "2.9.1+cu128", True),
        ("==2.9.*+cu128", "2.9.1+cu129", False),
        ("==2.9.*+cu128", "2.8.0+cu128", False),
        ("+cpu", "2.9.1+cpu", True),
        ("+cpu", "2.9.1+cu128", False),
        ("==2.9.1+cu128", "2.9.1+cu128", True),
        ("===2.9.1", "2.9.1+cu128", True),
        (">=2.6,<2.9", "2.8.0+cpu", True),
        (">=2.6,<2.9", "2.9.0+cpu", False),
        ("==2.9", "2.9.1+cpu", False),
        (">=2.6,+cu126", "2.7.0+cu126", True),
        (">=2.6,+cu126", "2.5.0+cu126", False),
    ],
)
def test_what_is_wished_for(specifier: str, version: str, answer: bool) -> None:
    assert wished(specifier, version) is answer
