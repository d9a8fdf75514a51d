"""Conflicts and repairs: against every subset of small cases, and on machines whose answer is known."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.choose.situations import made

from torchsmith.choose import conflicts, decide, relax
from torchsmith.choose.constraints import ON_APPROACHES, ON_CANDIDATES
from torchsmith.choose.situation import Situation
from torchsmith.knowledge import change_costs
from torchsmith.model.choice import Conflict, Repair, Requirement, Wishes
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import AMD, PciDevice, PciDevices
from torchsmith.model.facts.install import LocalWheels
from torchsmith.model.facts.project import Dependency, PastedProject
from torchsmith.model.record import replace

MASKS = st.lists(st.integers(1, 63), min_size=1, max_size=10)


@given(MASKS)
def test_minimal_masks_contain_no_other(masks: list[int]) -> None:
    smallest = {mask for mask in masks if not any(other != mask and other & mask == other for other in masks)}
    assert set(relax.minimal(masks)) == smallest


@given(MASKS)
def test_conflicts_are_all_the_smallest_sets_that_meet_every_mask(masks: list[int]) -> None:
    """A conflict cannot be satisfied as a whole: every row violates a member of it. None of its members can be left out."""
    members = [1 << place for place in range(6)]
    meeting = [sum(some) for size in range(7) for some in combinations(members, size) if all(sum(some) & mask for mask in masks)]
    smallest = {found for found in meeting if not any(other != found and other & found == other for other in meeting)}
    assert set(conflicts.hitting_sets(relax.minimal(masks))) == smallest


def explained(situation: Situation) -> tuple[tuple[Conflict, ...], tuple[Repair, ...]]:
    return conflicts.explain(decide.judged(situation), situation)


def needing(*needs: tuple[str, str], keep: tuple[str, str] | None = None, torch: str = "") -> Wishes:
    keeps = (Requirement(*keep, "--keep"),) if keep else ()
    return Wishes(needs=tuple(Requirement(*need, "--need") for need in needs), keeps=keeps, torch=torch)


def test_nothing_where_something_fits() -> None:
    assert explained(made("RTX 4090")) == ((), ())
    assert explained(made(driver=None)) == ((), ())


def test_a_driver_that_does_not_know_the_gpu() -> None:
    found, repairs = explained(made("RTX 5070 Ti", os="windows", driver="470.57", python="3.12"))
    assert [reason.constraint for reason in found[0].reasons] == ["driver-knows-gpu"]
    assert repairs[0].changes == ("driver >= 570.65",)
    assert "cu128" in repairs[0].gives


def test_a_cpu_build_is_no_way_out_where_a_gpu_waits() -> None:
    found, repairs = explained(made("RTX 5070 Ti", driver="535.183.01"))
    assert found
    assert all("+cpu" not in repair.gives for repair in repairs)


def test_a_wish_is_given_up_before_a_gpu() -> None:
    """The only release that was asked for has no code for the GPU."""
    found, repairs = explained(made("RTX 5070 Ti", wishes=needing(torch="==2.2.0")))
    assert {reason.constraint for reason in found[0].reasons} == {"gpu-code", "torch"}
    assert repairs[0].changes == ("torch without ==2.2.0",)
    assert any("GPU of compute capability" in change for repair in repairs for change in repair.changes)


def test_the_whisperx_of_the_guide() -> None:
    """WhisperX 3.4.2 needs torch from 2.5.1 on, which brings cuDNN 9, while its ctranslate2 needs cuDNN 8; and NumPy 2."""
    wishes = needing(("whisperx", "==3.4.2"), keep=("numpy", "<2"))
    found, repairs = explained(made("RTX 3060", os="windows", driver="581.57", python="3.11", wishes=wishes))
    named = [{reason.constraint for reason in conflict.reasons} for conflict in found]
    assert {"packages", "cudnn"} in named, found
    assert any("numpy" in reason.because.lower() for conflict in found for reason in conflict.reasons), found
    assert repairs
    assert all(repair.changes and repair.gives for repair in repairs)


@pytest.mark.parametrize(
    "situation",
    [
        made("RTX 5070 Ti", driver="470.57.02"),
        made("RTX 3090", driver="418.40.04"),
        made("GTX 1080 Ti", driver="590.10"),
        made("RTX 5070 Ti", driver="535.183.01", glibc="2.17"),
    ],
)
def test_a_repair_repairs(situation: Situation) -> None:
    found, repairs = explained(situation)
    assert found
    assert repairs
    for repair in repairs:
        changed = relax.apply(repair.changes, decide.judged(situation).rows[0].candidate, situation)
        if all(change.startswith(("driver", "glibc")) for change in repair.changes):
            assert any(option.candidate.kind == "cuda" for option in decide.decide(changed).options), repair


def test_every_constraint_has_a_cost() -> None:
    told = {constraint.name for constraint in (*ON_CANDIDATES, *ON_APPROACHES)}
    assert told <= set(change_costs.known())


def test_wishes_are_cheaper_than_drivers_and_drivers_than_gpus() -> None:
    order = [change_costs.cost(name) for name in ("torch", "packages", "python", "driver", "glibc", "gpu-code")]
    assert order == sorted(order)
    assert len(set(order)) == len(order)


def test_an_amd_gpu_on_windows_is_served_by_linux() -> None:
    radeon = PciDevices((PciDevice("0000:03:00.0", AMD, 0x744C, "0300", name="Radeon RX 7900 XTX"),))
    asked = made(os="windows", driver=None, pci_devices=radeon)
    choice = decide.decide(asked)
    assert not choice.satisfied
    assert [reason.constraint for reason in choice.conflicts[0].reasons] == ["accelerator"]
    assert "ROCm builds are published for Linux" in choice.conflicts[0].reasons[0].because
    assert choice.repairs[0].changes == ("Linux on x86-64",)
    assert "Radeon RX 7900 XTX" in choice.repairs[0].gives
    assert {option.approach.name for option in choice.options if option.candidate.kind == "cpu"}


def test_jetpack_7_brings_a_driver_and_takes_the_wheels() -> None:
    board = Jetson("Jetson AGX Orin", "36.4.3")
    _, repairs = explained(made("Jetson AGX Orin", arch="aarch64", driver="540.4.0", python="3.10", jetson=board))
    assert repairs[0].changes == ("JetPack 7",)
    assert "source" not in repairs[0].gives
    assert "cu132" in repairs[0].gives


@pytest.mark.parametrize(
    ("wishes", "change"),
    [
        (needing(torch="==2.5.1"), "torch without ==2.5.1"),
        (needing(("whisperx", "==3.4.2")), "whisperx >= 3.5.0"),
        (Wishes(offline=True), "without --offline"),
    ],
)
def test_a_repair_gives_what_the_plan_would_offer_then(wishes: Wishes, change: str) -> None:
    asked = made("RTX 5090", wishes=wishes, local_wheels=LocalWheels(()))
    _, repairs = explained(asked)
    assert repairs[0].changes[0].startswith(change), repairs
    anew = decide.decide(replace(asked, wishes=needing(("whisperx", ">=3.5.0")) if wishes.needs else Wishes()))
    first = anew.options[0]
    assert repairs[0].gives == f"torch {first.candidate.version} for Python {first.candidate.python} by {first.approach.title}"


def test_what_a_project_asks_for_can_be_changed_too() -> None:
    asks = (("whisperx", "==3.4.2"), ("numpy", "<2"))
    files = tuple(Dependency(name, specifier, "conda-pip", file="environment.yml") for name, specifier in asks)
    found, repairs = explained(made("RTX 4090", python="3.11", pasted_project=PastedProject(dependencies=files)))
    assert found
    assert repairs
    assert any(change.startswith("without ") or " >= " in change for repair in repairs for change in repair.changes)
