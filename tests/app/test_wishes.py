"""What the command line wishes for."""

from __future__ import annotations

import argparse

import pytest

from torchsmith import cli
from torchsmith.app import wishes
from torchsmith.model.choice import Requirement, Wishes
from torchsmith.model.errors import UsageError


def asked(**given: object) -> Wishes:
    plain = {"goal": "training", "need": [], "keep": [], "torch": "", "no_admin": False, "offline": False}
    return wishes.of(argparse.Namespace(**(plain | given)))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2.9", "==2.9.*"),
        ("2", "==2.*"),
        ("2.9.x", "==2.9.*"),
        ("2.9.*", "==2.9.*"),
        ("==2.9.*", "==2.9.*"),
        ("2.9.1", "==2.9.1"),
        ("v2.9.1", "==2.9.1"),
        ("2.9.1+cu129", "==2.9.1+cu129"),
        ("2.9+cu128", "==2.9.*+cu128"),
        ("==2.9.*+cu128", "==2.9.*+cu128"),
        (" >= 2.6 , < 2.9 ", ">=2.6,<2.9"),
        (">=2.6,", ">=2.6"),
        ("torch==2.9.1", "==2.9.1"),
        ("torch>=2.6", ">=2.6"),
        ("+cpu", "+cpu"),
        ("cu128", "+cu128"),
        ("===2.9.1", "===2.9.1"),
        ("~=2.6", "~=2.6"),
        ("2.16.0rc1", "==2.16.0rc1"),
        ("2.10.0.dev20251001", "==2.10.0.dev20251001"),
        (">=2.16.0.dev0", ">=2.16.0.dev0"),
    ],
)
def test_the_torch_that_is_wanted(written: str, meant: str) -> None:
    assert asked(torch=written).torch == meant


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("nonsense", "versions look like"),
        ("latest", "versions look like"),
        (">=2.6 <2.9", "versions look like"),
        (">=2.6;<2.9", "versions look like"),
        (">=", "versions look like"),
        (",", "versions look like"),
        ("2..9", "versions look like"),
        ("torch", "versions look like"),
        ("9" * 500, "versions look like"),
        (">=2.6+cu128", "goes with one version"),
        ("!=2.9.0+cu128", "goes with one version"),
        ("2.9.1+cu999", "never built as `cu999`; the nearest are cu132"),
        ("cu127", "never built as `cu127`; the nearest are cu126, cu128"),
        ("~=2", "two numbers"),
        (">=2.9.*", "== and !="),
    ],
)
def test_what_cannot_be_meant(written: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=says):
        asked(torch=written)
    assert cli.run(["plan", "--assume", "os=linux", f"--torch={written}"]) == 2
    assert len(capsys.readouterr().err) < 400


def test_torch_among_the_needs_is_the_torch_that_is_wanted() -> None:
    found = asked(torch=">=2.6", need=["torch<2.9", "whisperx==3.4.2", "Some_Thing.else"])
    assert found.torch == ">=2.6,<2.9"
    assert found.needs == (Requirement("whisperx", "==3.4.2", "--need"), Requirement("some-thing-else", "", "--need"))


@pytest.mark.parametrize("written", ["", "a b", "x==", "x>>1", "-x", "x;y", "x==1 2"])
def test_requirements_that_are_none(written: str) -> None:
    with pytest.raises(UsageError):
        asked(need=[written])
