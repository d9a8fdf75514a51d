"""What holds of every decision, whatever the machine: over machines that are made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.choose.situations import candidates, made

from torchsmith.choose import decide, reject
from torchsmith.choose.constraint import Constraint
from torchsmith.choose.constraints import ON_APPROACHES, ON_CANDIDATES
from torchsmith.choose.situation import Situation
from torchsmith.knowledge import approaches, drivers
from torchsmith.model.choice import Candidate, Reason, Requirement, Wishes
from torchsmith.model.record import replace
from torchsmith.model.versions import key

GPUS = (
    *("Tesla K80", "GTX 970", "GTX 1080 Ti", "Tesla P100", "Tesla V100", "Tesla T4", "A100", "RTX 3060", "RTX 4090", "H100 PCIe"),
    *("B200", "B300", "RTX 5070 Ti", "RTX 5090", "sm_30", "sm_130", "unlisted"),
)
LINUX_DRIVERS = tuple(branch.first_linux for branch in drivers.branches())
WINDOWS_DRIVERS = tuple(f"{branch.windows_major_to}.99" for branch in drivers.branches())
WISHES = (
    Wishes(),
    Wishes(torch=">=2.6"),
    Wishes(torch="==2.14.1+cpu"),
    Wishes(needs=(Requirement("whisperx", "==3.4.2", "--need"),)),
    Wishes(keeps=(Requirement("numpy", "<2", "--keep"),), offline=True, admin=False),
)
PYTHONS = ("3.9", "3.12", "3.14t")
APPROACHES = ("pip", "uv", "conda", "docker", "source", "cpu")
FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])

Pairs = set[tuple[str, object]]


@st.composite
def machines(draw: st.DrawFn, least: int = 0) -> dict[str, object]:
    """The arguments of a made-up machine."""
    os = draw(st.sampled_from(("linux", "windows", "wsl")))
    listed = WINDOWS_DRIVERS if os != "linux" else LINUX_DRIVERS
    return {
        "gpus": tuple(draw(st.lists(st.sampled_from(GPUS), min_size=least, max_size=3))),
        "driver": draw(st.sampled_from((*listed, "640.10", None))),
        "os": os,
        "arch": "aarch64" if os == "linux" and draw(st.integers(0, 4)) == 0 else "x86_64",
        "python": draw(st.sampled_from(("3.8", *PYTHONS, "3.16"))),
        "glibc": draw(st.sampled_from(("2.17", "2.27", "2.28", "2.39", "musl", ""))),
        "wishes": draw(st.sampled_from(WISHES)),
    }


def at(given_: dict[str, object], **changes: object) -> Situation:
    """The situation of these arguments."""
    arguments = {**given_, **changes}
    names = arguments.pop("gpus")
    assert isinstance(names, tuple)
    return made(*names, **arguments)  # type: ignore[arg-type]


def some(asked: Situation) -> tuple[Candidate, ...]:
    """The builds of the platform, each in few Pythons."""
    return tuple(candidate for candidate in candidates(asked.machine.platform) if candidate.python in PYTHONS)


def asking(asked: Situation) -> list[Constraint]:
    """The constraints that have something to ask in this situation."""
    return [constraint for constraint in ON_CANDIDATES if constraint.when is None or constraint.when(asked)]


def offered(asked: Situation, constraints: Sequence[Constraint] = ON_CANDIDATES) -> Pairs:
    """Every approach with every candidate that it takes."""
    ways = [approach for approach in approaches.every() if approach.name in APPROACHES]
    judged = reject.judge(some(asked), ways, constraints, ON_APPROACHES, asked)
    return {(way.approach.name, row.candidate) for way in judged.ways for row in judged.rows if way.takes(row)}


NEEDS = (
    Requirement("whisperx", "==3.4.2", "--need"),
    Requirement("xformers", "", "--need"),
    Requirement("vllm", ">=0.9", "--need"),
)
KEEPS = (Requirement("numpy", "<2", "--keep"), Requirement("numpy", ">=2.1", "--keep"))


@st.composite
def loosened(draw: st.DrawFn) -> tuple[Wishes, Wishes]:
    """Wishes, and the same with one of them given up."""
    wishes = Wishes(
        torch=draw(st.sampled_from(("", ">=2.6", "<2.9", ">=2.4,<2.8"))),
        needs=tuple(need for need in NEEDS if draw(st.booleans())),
        keeps=tuple(keep for keep in KEEPS if draw(st.integers(0, 3)) == 0),
        admin=draw(st.booleans()),
        offline=draw(st.integers(0, 3)) == 0,
    )
    ways: list[dict[str, Any]] = [
        {"torch": ""} if wishes.torch else {},
        {} if wishes.admin else {"admin": True},
        {"offline": False} if wishes.offline else {},
    ]
    ways += [{"needs": tuple(other for other in wishes.needs if other is not need)} for need in wishes.needs]
    ways += [{"keeps": tuple(other for other in wishes.keeps if other is not keep)} for keep in wishes.keeps]
    ways = [way for way in ways if way]
    assume(ways)
    return wishes, replace(wishes, **draw(st.sampled_from(ways)))


@FEW
@given(machines(), loosened())
def test_giving_up_a_wish_never_loses_an_option(machine: dict[str, object], wishes: tuple[Wishes, Wishes]) -> None:
    before, after = wishes
    assert offered(at(machine, wishes=before)) <= offered(at(machine, wishes=after))


@FEW
@given(machines(), st.sampled_from(("2.17", "2.27", "2.28", "2.34")), st.sampled_from(("2.28", "2.31", "2.39")))
def test_a_newer_glibc_never_loses_an_option(machine: dict[str, object], older: str, newer: str) -> None:
    assume(machine["os"] == "linux" and key(older) < key(newer))
    assert offered(at(machine, glibc=older)) <= offered(at(machine, glibc=newer))


@FEW
@given(machines(least=1), st.integers(0, len(LINUX_DRIVERS) - 1), st.integers(0, len(LINUX_DRIVERS) - 1))
def test_a_newer_driver_that_serves_every_gpu_never_loses_an_option(machine: dict[str, object], one: int, two: int) -> None:
    assume(one != two)
    listed = LINUX_DRIVERS if machine["os"] == "linux" else WINDOWS_DRIVERS
    older, newer = listed[min(one, two)], listed[max(one, two)]
    asked = at(machine, driver=newer)
    windows = asked.windows_driver
    assume(all(device.sm is None or drivers.serves(newer, device.sm, windows=windows) for device in asked.gpus))  # type: ignore[union-attr]
    assert offered(at(machine, driver=older)) <= offered(asked)


def test_the_driver_after_580_drops_maxwell_pascal_and_volta() -> None:
    for name in ("GTX 970", "GTX 1080 Ti", "Tesla V100"):
        before, after = offered(made(name, driver="580.95.05")), offered(made(name, driver="590.44.01"))
        assert any(candidate.kind == "cuda" for _, candidate in before)  # type: ignore[attr-defined]
        assert not any(candidate.kind == "cuda" for _, candidate in after)  # type: ignore[attr-defined]
    for name in ("Tesla T4", "A100", "RTX 4090", "H100 PCIe", "RTX 5070 Ti"):
        assert offered(made(name, driver="580.95.05")) <= offered(made(name, driver="590.44.01"))


@FEW
@given(machines(least=1), st.sampled_from(GPUS))
def test_another_gpu_never_gains_an_option(machine: dict[str, object], name: str) -> None:
    names = machine["gpus"]
    assert isinstance(names, tuple)
    assert offered(at(machine, gpus=(*names, name))) <= offered(at(machine))


@settings(FEW, max_examples=6)
@given(machines())
def test_no_option_is_rejected_by_its_own_constraints(machine: dict[str, object]) -> None:
    asked = at(machine)
    for option in decide.decide(asked).options:
        against = [constraint.judge(option.candidate, asked) for constraint in asking(asked)]
        left = [a for a in against if isinstance(a, Reason) and a.constraint not in option.approach.brings]
        assert not left, (option.approach.name, option.candidate, left)
        assert not [a for check in ON_APPROACHES if isinstance(a := check.judge(option.approach, asked), Reason)]


@settings(FEW, max_examples=8)
@given(machines())
def test_the_declared_fields_are_all_that_a_constraint_looks_at(machine: dict[str, object]) -> None:
    asked = at(machine)
    every = some(asked)
    judged = reject.judge(every, (), ON_CANDIDATES, (), asked)
    assert len(judged.rows) == len(every)
    asked_of = asking(asked)
    for row in judged.rows:
        answers = tuple(a for c in asked_of if (a := c.judge(row.candidate, asked)) is not None)
        assert row.answers == answers, row.candidate
        violated = {answer.constraint for answer in answers if isinstance(answer, Reason)}
        assert row.mask == sum(1 << place for place, name in enumerate(judged.names) if name in violated)


@FEW
@given(machines())
def test_the_words_of_a_group_hold_for_all_its_members(machine: dict[str, object]) -> None:
    asked = at(machine)
    judged = reject.judge(some(asked), (), ON_CANDIDATES, (), asked)
    for rows, reasons in reject.grouped(judged, asked.python):
        for row in rows:
            own = {(reason.constraint, reason.because, reason.unless) for reason in row.reasons(0, judged.names)}
            assert own == {(reason.constraint, reason.because, reason.unless) for reason in reasons}
            assert row.mask
