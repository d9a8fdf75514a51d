"""The order of options: what a senior engineer would put first, the laws of the order, and how it is explained."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from tests.choose.situations import made

from torchsmith.choose import decide, rank, standing
from torchsmith.knowledge import approaches
from torchsmith.model.choice import GOALS, Choice, Option, Wishes
from torchsmith.model.facts.python import Environment
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Unknown


def chosen(*gpus: str, goal: str = GOALS[0], torch: str = "", every: bool = False, **machine: Any) -> Choice:
    """The decision for a machine; ``torch`` is what is installed, with its label."""
    if torch:
        build = torch.partition("+")[2]
        kind = "cpu" if build == "cpu" else "cuda"
        machine["torch"] = Torch("/env/torch", torch, kind, build, None if kind == "cpu" else f"{build[2:-1]}.{build[-1]}")
    return decide.decide(made(*gpus, wishes=Wishes(goal), **machine), every=every)


def first(*gpus: str, **machine: Any) -> tuple[str, str, str]:
    option = chosen(*gpus, **machine).options[0]
    return option.approach.name, option.candidate.version, option.candidate.python


FIRST = [
    # a new environment: the newest release that somebody has seen, with a CUDA that the driver supports outright
    ({"gpus": ("RTX 4090",), "driver": "580.95.05"}, ("pip", "2.14.1+cu130", "3.12")),
    ({"gpus": ("RTX 4090",), "driver": "610.43.02"}, ("pip", "2.15.0+cu132", "3.12")),
    ({"gpus": ("RTX 4090",), "driver": "560.35.03"}, ("pip", "2.14.1+cu126", "3.12")),
    ({"gpus": ("RTX 5070 Ti",), "driver": "581.57", "os": "windows", "python": "3.13"}, ("pip", "2.14.1+cu130", "3.13")),
    # far behind is worse than minor-version compatibility
    ({"gpus": ("RTX 4090",), "driver": "550.54.14"}, ("pip", "2.14.1+cu126", "3.12")),
    # the GPU decides about the end of the road
    ({"gpus": ("GTX 1080 Ti",), "driver": "580.95.05"}, ("pip", "2.14.1+cu126", "3.12")),
    # what is installed and fits stays; what does not moves as little as possible
    ({"gpus": ("RTX 4090",), "torch": "2.8.0+cu128"}, ("pip", "2.8.0+cu128", "3.12")),
    ({"gpus": ("GTX 1080 Ti",), "torch": "2.14.1+cu130"}, ("pip", "2.14.1+cu126", "3.12")),
    ({"gpus": ("RTX 5090",), "driver": "570.86.10", "torch": "2.6.0+cu124"}, ("pip", "2.8.0+cu128", "3.12")),
    ({"gpus": ("RTX 4090",), "driver": "560.35.03", "torch": "2.9.1+cu130"}, ("pip", "2.9.1+cu126", "3.12")),
    # other goals look further
    ({"gpus": ("RTX 4090",), "torch": "2.8.0+cu128", "goal": "inference"}, ("pip", "2.14.1+cu130", "3.12")),
    ({"gpus": ("RTX 4090",), "goal": "reproducible"}, ("uv-project", "2.14.1+cu130", "3.12")),
    # another Python only where it has to be
    ({"gpus": ("RTX 3090",), "driver": "580.95.05", "python": "3.8"}, ("pip", "2.4.1+cu121", "3.8")),
    ({"gpus": (), "os": "macos", "arch": "aarch64"}, ("pip", "2.15.0+cpu", "3.12")),
]


@pytest.mark.parametrize(("machine", "expected"), FIRST)
def test_what_comes_first(machine: dict[str, Any], expected: tuple[str, str, str]) -> None:
    machine = dict(machine)
    assert first(*machine.pop("gpus"), **machine) == expected


@pytest.mark.parametrize("manager", ["pip", "uv", "poetry", "uv-project", "pdm", "conda", "pixi"])
@pytest.mark.parametrize("goal", ["minimal-change", "inference", "training"])
def test_the_manager_that_is_there_comes_first(manager: str, goal: str) -> None:
    kind = manager if manager in {"conda", "pixi"} else "venv"
    assert first("RTX 4090", goal=goal, environment=Environment(kind, manager))[0] == manager


def test_a_poetry_project_stays_with_poetry_where_it_has_to_be_reproducible() -> None:
    assert first("RTX 4090", goal="reproducible", environment=Environment("venv", "poetry"))[0] == "poetry"


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("every", [False, True])
def test_the_order_is_that_of_the_scores_behind_those_that_use_the_gpu(goal: str, every: bool) -> None:
    options = chosen("RTX 4090", goal=goal, every=every).options
    order = [(option.candidate.kind == "cpu", -option.score) for option in options]
    assert order == sorted(order)
    assert [option.rank for option in options] == list(range(1, len(options) + 1))


def test_each_line_tells_what_puts_it_before_the_next() -> None:
    options = chosen("RTX 4090").options
    weights = approaches.weights(GOALS[0])
    praise = approaches.praise()
    for one, next_one in pairwise(options):
        if one.candidate.kind != next_one.candidate.kind:
            assert "leaves idle" in one.why
            continue
        ahead = (one.score - next_one.score) * sum(weights.values())
        if one.why.startswith("Level"):
            assert ahead < 0.06
            continue
        assert f"by {ahead:.1f} points" in one.why
        told = [name for name in praise if praise[name] in one.why]
        assert told
        for name in told:
            assert _gain(one, next_one, name) > 0
    assert not options[-1].why


def _gain(one: Option, other: Option, criterion: str) -> float:
    mine, its = (next(score for score in option.scores if score.criterion == criterion) for option in (one, other))
    return (mine.worth - its.worth) * mine.weight


def test_of_each_approach_and_build_the_best_candidate_stands_for_all() -> None:
    few, every = chosen("RTX 4090").options, chosen("RTX 4090", every=True).options
    best: dict[tuple[str, str], Option] = {}
    for option in every:
        best.setdefault((option.approach.name, option.candidate.build), option)
    named = {(option.approach.name, option.candidate.version, option.candidate.python) for option in few}
    assert named == {(option.approach.name, option.candidate.version, option.candidate.python) for option in best.values()}


def test_no_free_threaded_and_no_merely_announced_build_is_preferred() -> None:
    for goal in GOALS:
        option = chosen("RTX 4090", goal=goal).options[0]
        assert not option.candidate.python.endswith("t")
        assert "announced" not in option.candidate.evidence
        assert option.candidate.status == "stable"


def test_building_extensions_takes_the_toolkit_that_is_there() -> None:
    from torchsmith.model.facts.toolkit import Toolkit, Toolkits

    for version, build in (("12.8.1", "cu128"), ("12.6.3", "cu126"), ("13.0.0", "cu130")):
        toolkits = Toolkits((Toolkit("/usr/local/cuda", version, "/usr/local/cuda/bin/nvcc"),), "/usr/local/cuda")
        assert first("H100", goal="extension-build", toolkits=toolkits)[1].endswith(build), version


def test_the_index_is_named_where_the_package_index_would_give_another_build() -> None:
    situation = made("RTX 4090")
    options = {
        option.candidate.version: option for option in chosen("RTX 4090", every=True).options if option.approach.name == "pip"
    }
    assert options["2.14.1+cu130"].index is None
    assert options["2.14.1+cu126"].index == "https://download.pytorch.org/whl/cu126"
    other = made("RTX 4090", torch=Torch("/env/torch", "2.14.1+cpu", "cpu", "cpu"))
    candidate = options["2.14.1+cu130"].candidate
    assert rank.index_for(candidate, situation) is None
    assert rank.index_for(candidate, other) == "https://download.pytorch.org/whl/cu130"


@pytest.mark.parametrize(
    ("before", "after", "distance"),
    [("2.6.0", "2.6.0", 0), ("2.6.0", "2.7.0", 1), ("2.7.1", "2.7.0", -0.2), ("2.9.1", "2.7.0", -2.2), ("2.14.1", "2.15.0", 0.8)],
)
def test_the_distance_between_releases(before: str, after: str, distance: float) -> None:
    assert standing.distance(before, after) == pytest.approx(distance)


def test_a_release_that_no_table_lists_lies_beyond_the_ends() -> None:
    assert standing.distance("2.15.0", "9.0.0") > 0
    assert standing.distance("1.12.0", "1.4.0") < 0
    assert standing.newness("9.0.0") == 1
    assert standing.newness("1.12.0") == standing.newness("1.0.0") == 0


def test_every_criterion_has_a_weight_and_every_weight_a_criterion() -> None:
    option = chosen("RTX 4090").options[0]
    for goal in GOALS:
        assert [score.criterion for score in option.scores] == list(approaches.weights(goal))
    assert all(0 <= score.worth <= 1 for option in chosen("RTX 4090", every=True).options for score in option.scores)


@pytest.mark.parametrize(
    ("gpus", "machine", "satisfied"),
    [
        (("RTX 5090",), {"driver": "470.42.01"}, False),
        (("RTX 5090",), {}, True),
        ((), {}, True),
        (("RTX 5090",), {"driver": "470.42.01", "wishes": Wishes(torch="==2.14.1+cpu")}, True),
        (("sm_10",), {"driver": "340.108"}, True),
    ],
)
def test_a_cpu_build_satisfies_only_where_no_gpu_could_be_used(
    gpus: tuple[str, ...], machine: dict[str, Any], satisfied: bool
) -> None:
    choice = decide.decide(made(*gpus, **machine))
    assert choice.satisfied is satisfied
    assert choice.options
    assert bool(choice.conflicts and choice.repairs) is not satisfied


def test_a_gpu_that_nobody_saw_replaces_no_build_that_is_installed() -> None:
    """The PCI bus cannot be read: that there may be an Intel or AMD GPU is no reason to give up a sound CPU build."""
    have = Torch("/e/torch", "2.8.0", "cpu", "cpu")
    first = decide.decide(made(driver=None, torch=have, pci_devices=Unknown("not readable"))).options[0]
    assert (first.candidate.torch, first.candidate.build) == ("2.8.0", "cpu")
