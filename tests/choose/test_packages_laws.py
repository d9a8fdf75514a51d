"""Laws of what packages ask for: wishing for less never loses a build, and what is pinned keeps what was asked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.choose.test_packages import asking, reasons, requirement

from torchsmith.choose import catalogue
from torchsmith.choose.asked import by_parts
from torchsmith.choose.packages import pins
from torchsmith.knowledge import third_party
from torchsmith.model import pep440
from torchsmith.model.choice import Candidate

WHEELS = [c for c in catalogue.candidates("linux-x86_64") if c.channel == "wheel" and c.python in {"3.9", "3.12", "3.13"}]
NAMES = [name for name in (*third_party.packages(), "torchvision", "torchaudio") if name not in {"triton-windows", "triton"}]
candidates = st.sampled_from(WHEELS)


@st.composite
def requirements(draw: st.DrawFn) -> str:
    """A package that the tables know, with no versions, one, or a bound."""
    name, sign = draw(st.sampled_from(NAMES)), draw(st.sampled_from(("", "==", ">=", "<=")))
    released = [version for row in third_party.of(name) for version in row.versions]
    return name + sign + draw(st.sampled_from(released)) if sign else name


@settings(deadline=None, max_examples=100)
@given(candidates, st.lists(requirements(), min_size=1, max_size=3))
def test_wishing_for_less_never_loses_a_build(candidate: Candidate, wanted: list[str]) -> None:
    if not reasons(candidate, asking(*wanted)):
        for left_out in range(len(wanted)):
            assert not reasons(candidate, asking(*wanted[:left_out], *wanted[left_out + 1 :]))


@settings(deadline=None, max_examples=100)
@given(candidates, requirements())
def test_a_wider_wish_never_loses_a_build(candidate: Candidate, wanted: str) -> None:
    name, sign, version = wanted.partition("==")
    if sign and not reasons(candidate, asking(wanted)):
        for wider in (name, f"{name}>={version}", f"{name}<={version}"):
            assert not reasons(candidate, asking(wider))


@settings(deadline=None, max_examples=100)
@given(candidates, st.lists(requirements(), min_size=1, max_size=2))
def test_what_is_pinned_fits(candidate: Candidate, wanted: list[str]) -> None:
    asked = asking(*wanted)
    if not reasons(candidate, asked):
        pinned = [f"{pin.name}=={pin.version}" for pin in pins(candidate, asked, None) if pin.name != "torch"]
        assert not reasons(candidate, asking(*pinned))
        for text in wanted:
            wish = requirement(text, "--need")
            versions = [pin.version for pin in pins(candidate, asked, None) if pin.name == wish.name]
            assert all(pep440.allows(wish.specifier, version) for version in versions)


@given(st.sampled_from(("==", ">=", "<=", "!=", "<", ">")), st.integers(8, 14), st.integers(0, 9), st.integers(0, 30))
def test_fewer_parts_speak_for_all_that_begin_with_them(sign: str, first: int, second: int, third: int) -> None:
    version = f"{first}.{second}.{third}"
    for bound in (f"{first}", f"{first}.{second}"):
        assert by_parts(sign + bound, version) == (sign in {"==", ">=", "<="})
    assert by_parts(sign + version, version) == pep440.allows(sign + version, version)
