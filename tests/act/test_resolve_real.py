"""A handful of the builds that the package index serves, resolved against the real one. tools/resolve_all.py does all."""

from __future__ import annotations

import pytest
from tests.act.options import PLACE, candidate, option

from torchsmith.act import resolve, tools
from torchsmith.knowledge import companions, torch_builds
from torchsmith.model.choice import Requirement
from torchsmith.model.versions import key, public

pytestmark = [pytest.mark.online, pytest.mark.slow]

BUILDS = {
    "2.15.0 on Python 3.14": ("2.15.0", "3.14", ()),
    "2.14.1 on Python 3.12, with what was asked for": ("2.14.1", "3.12", (Requirement("numpy", "<2.5"),)),
    "2.8.0 with whisperx 3.7": ("2.8.0", "3.12", (Requirement("whisperx", "==3.7.4"),)),
    "2.5.1 with the last whisperx for it": ("2.5.1", "3.11", (Requirement("whisperx", "==3.4.2"),)),
    "1.13.1 on Python 3.8": ("1.13.1", "3.8", ()),
}
NEVER = {
    "whisperx 3.7 holds torch to 2.8": ("2.14.1", "3.12", (Requirement("whisperx", "==3.7.4"),), "whisperx==3.7.4"),
    "no wheel for that Python": ("1.13.1", "3.14", (), "cp314"),
    "torchvision of another release": ("2.14.1", "3.12", (Requirement("torchvision", "==0.20.0"),), "torchvision==0.20.0"),
}


def asked(torch: str, python: str, wanted: tuple[Requirement, ...], *, beside: bool = True) -> resolve.Resolution:
    if tools.find("uv") is None:
        pytest.skip("uv is not installed")
    build = torch_builds.default_on_pypi(torch, "linux-x86_64")
    assert build is not None
    own = companions.for_torch(torch)
    assert own is not None
    with_it = (("torchvision", own.torchvision), ("torchaudio", own.torchaudio)) if beside else ()
    told = resolve.check(option(candidate(torch, build.build, python), "uv", None, with_it), PLACE, wanted)
    if told.checked is None:
        pytest.skip(f"the package index cannot be asked: {told.why}")
    return told


@pytest.mark.parametrize("name", BUILDS)
def test_it_resolves(name: str) -> None:
    torch, python, wanted = BUILDS[name]
    told = asked(torch, python, wanted)
    assert not told.problem
    versions = dict(told.versions)
    assert public(versions["torch"]) == torch
    assert all(requirement.name in versions for requirement in wanted)
    if key(torch) >= key("2.0"):
        assert any(package.startswith("nvidia-") for package in versions), "the package index serves a CUDA build"


@pytest.mark.parametrize("name", NEVER)
def test_it_does_not_resolve(name: str) -> None:
    torch, python, wanted, words = NEVER[name]
    told = asked(torch, python, wanted, beside=False)
    assert words in told.problem
