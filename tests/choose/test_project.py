"""The project's demands as constraints: what rejects, what is only told, and that a change of source is offered."""

from __future__ import annotations

import pytest

from torchsmith.choose import decide, situation
from torchsmith.choose.constraints import project
from torchsmith.model.choice import Candidate, Reason, Risk, Wishes
from torchsmith.model.facts.gpu import Device, Driver, Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.project import Binding, Dependency, Locked, PastedProject, Source
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.known import Fact, Known

POETRY = PastedProject(
    sources=(Source("pytorch-cu128", "https://download.pytorch.org/whl/cu128", "poetry", explicit=True),),
    bindings=(Binding("torch", "pytorch-cu128", "poetry"),),
    dependencies=(
        Dependency("python", "^3.11", "poetry", "", "pyproject.toml"),
        Dependency("torch", ">=2.3.0,<3.0.0", "poetry", "", "pyproject.toml"),
    ),
    locked=(Locked("torch", "2.8.0+cu128", "https://download.pytorch.org/whl/cu128", "poetry", "", (), "poetry.lock"),),
    manager="poetry",
    folder="/home/user/x",
)


def asked(found: PastedProject, python: str = "3.12.4", os: str = "linux", wishes: Wishes | None = None) -> situation.Situation:
    version, threads = python.removesuffix("t"), python.endswith("t")
    interpreter = Interpreter("python", version, "/e", "/usr", 64, "x86_64", os, "venv", (), (), free_threaded=threads)
    facts: dict[str, Fact[object]] = {
        "machine": Known(Machine(os, "x86_64", libc="glibc", libc_version="2.36"), "test"),
        "interpreter": Known(interpreter, "test"),
        "environment": Known(Environment("venv", found.manager or "pip", "test", found.folder), "test"),
        "gpus": Known(Gpus((Device(0, "GeForce RTX 4090", 89),)), "test"),
        "driver": Known(Driver("580.65", None, "13.0", works=None), "test"),
        "torch": Known(None, "test"),
        "pasted_project": Known(found, "test"),
    }
    return situation.of(facts, wishes or Wishes())


def candidate(torch: str = "2.9.1", build: str = "cu128", python: str = "3.12", **more: object) -> Candidate:
    platform = str(more.pop("platform", "linux-x86_64"))
    return Candidate("wheel", torch, build, "cuda", platform, python, **more)  # type: ignore[arg-type]


def needing(
    *dependencies: tuple[str, str] | tuple[str, str, str] | tuple[str, str, str, str], manager: str = "pip"
) -> PastedProject:
    made = []
    for package, specifier, *rest in dependencies:
        where, marker = (rest[0] if rest else "project"), (rest[1] if len(rest) > 1 else "")
        made.append(Dependency(package, specifier, where, marker, "pyproject.toml"))
    return PastedProject(dependencies=tuple(made), manager=manager)


@pytest.mark.parametrize(
    ("dependency", "torch", "build", "answer"),
    [
        (("torch", "<2.9"), "2.8.0", "cu128", None),
        (("torch", "<2.9"), "2.9.1", "cu128", "pyproject.toml asks for torch<2.9"),
        (("torch", ""), "2.9.1", "cu128", None),
        (("torch", "*", "poetry"), "2.9.1", "cu128", None),
        (("torch", "^2.3", "poetry"), "2.9.1", "cu128", None),
        (("torch", "~2.3", "poetry"), "2.9.1", "cu128", "pyproject.toml asks for torch ~2.3"),
        (("torch", "==2.8.0+cu128"), "2.8.0", "cu129", "pyproject.toml asks for torch==2.8.0+cu128"),
        (("pytorch", "=2.5", "conda"), "2.9.1", "cu128", "pyproject.toml asks for pytorch =2.5"),
        (("torch", "==2.4.0", "group:dev"), "2.9.1", "cu128", "the group dev of pyproject.toml asks for torch==2.4.0"),
        (("torch", "==2.4.0", "project", "sys_platform == 'win32'"), "2.9.1", "cu128", None),
        (("torch", "==2.4.0", "project", "python_version >= '3.10'"), "2.9.1", "cu128", "pyproject.toml asks for torch==2.4.0"),
    ],
)
def test_the_torch_that_a_file_demands(dependency: tuple[str, str], torch: str, build: str, answer: str | None) -> None:
    found = project.torch.judge(candidate(torch, build), asked(needing(dependency)))
    if answer is None:
        assert found is None
    else:
        assert found == Reason("project", answer, "pyproject.toml", answer.replace(" asks for ", " without "))


@pytest.mark.parametrize(
    ("dependency", "says"),
    [
        (("torch", "==2.4.0", "optional:requirements_cpu.txt"), "what goes by that file does not fit"),
        (("torch", "==2.4.0", "extra:old"), "the extra old of pyproject.toml asks for torch==2.4.0"),
        (("torch", "==2.4.0", "project", "extra == 'x'"), "where `extra == 'x'` holds"),
        (("torch", "whatever"), "cannot be told"),
        (("torch", "@ git+https://example.com/t"), "torch from an address, and whether this is one cannot be told"),
    ],
)
def test_what_need_not_count_or_cannot_be_read_is_told(dependency: tuple[str, str], says: str) -> None:
    found = project.torch.judge(candidate(), asked(needing(dependency)))
    assert isinstance(found, Risk)
    assert says in found.text


def test_extras_of_a_locking_manager_count_unless_they_are_in_conflict() -> None:
    extra = needing(("torch", "==2.4.0", "extra:old"), manager="uv-project")
    assert isinstance(project.torch.judge(candidate(), asked(extra)), Reason)
    apart = PastedProject(dependencies=extra.dependencies, conflicts=(("old", "new"),), manager="uv-project")
    assert isinstance(project.torch.judge(candidate(), asked(apart)), Risk)


@pytest.mark.parametrize(
    ("specifier", "python", "here", "rejected"),
    [
        (">=3.11", "3.10", "3.12.4", "pyproject.toml asks for Python >=3.11, and this build is for 3.10"),
        (">=3.11", "3.10", "3.10.2", "pyproject.toml asks for Python >=3.11, and 3.10.2 is here"),
        (">=3.11", "3.12", "3.12.4", ""),
        (">=3.12.6", "3.12", "3.12.4", "pyproject.toml asks for Python >=3.12.6, and 3.12.4 is here"),
        (">=3.12.6", "3.12", "3.10.2", ""),
        ("<3.14", "3.14t", "3.12.4", "pyproject.toml asks for Python <3.14, and this build is for 3.14t"),
        ("not a version", "3.12", "3.12.4", ""),
    ],
)
def test_the_python_that_a_project_is_for(specifier: str, python: str, here: str, rejected: str) -> None:
    found = project.python.judge(candidate(python=python), asked(needing(("python", specifier, "requires-python")), here))
    assert (found.because if isinstance(found, Reason) else "") == rejected


def test_a_companion_that_is_pinned_decides_on_torch() -> None:
    pinned = asked(needing(("torchvision", "==0.19.0")))
    assert project.companions.judge(candidate("2.4.0"), pinned) is None
    found = project.companions.judge(candidate("2.9.1"), pinned)
    assert isinstance(found, Reason)
    assert found.because.startswith("pyproject.toml asks for torchvision==0.19.0, and torch 2.9.1 goes with torchvision 0.24.1")


@pytest.mark.parametrize(("build", "fits"), [("cu128", True), ("cu126", False)])
def test_a_companion_that_is_pinned_with_its_build(build: str, fits: bool) -> None:
    pinned = asked(needing(("torchvision", "==0.23.0+cu128")))
    assert (project.companions.judge(candidate("2.8.0", build), pinned) is None) == fits


@pytest.mark.parametrize(
    ("manager", "dependency", "rejects"),
    [
        ("poetry", ("torch", "2.8.0+cu128", "poetry"), False),
        ("poetry", ("torch", "==2.8.0", "project"), False),
        ("poetry", ("torch", "~2.8", "poetry"), True),
        ("poetry", ("torch", "2.8.*", "poetry"), True),
        ("poetry", ("torch", "2.8.0", "poetry-group:dev"), True),
        ("uv-project", ("torch", "==2.8.0", "project"), False),
        ("uv-project", ("torch", "<2.9", "project"), True),
        ("uv-project", ("torch", "==2.8.0", "extra:gpu"), True),
        ("pdm", ("torch", "==2.8.0+cu128", "project"), False),
        ("pipenv", ("torch", "==2.8.0", "pipenv"), True),
        ("pip", ("torch", "==2.8.0", "project"), True),
        ("pip", ("torch", "==2.8.0", "requirements"), True),
        ("poetry", ("torch", "<2.9", "requirements"), True),
        ("poetry", ("torchvision", "0.23.0+cu128", "poetry"), False),
    ],
)
def test_a_version_that_the_manager_writes_anew_is_no_demand(
    manager: str, dependency: tuple[str, str, str], rejects: bool
) -> None:
    there = asked(needing(dependency, manager=manager))
    judge = project.companions if dependency[0] == "torchvision" else project.torch
    found = judge.judge(candidate("2.9.1", "cu130"), there)
    assert isinstance(found, Reason if rejects else Risk)
    if isinstance(found, Risk):
        assert found.text.startswith(f"pyproject.toml pins {dependency[0]}")
        assert found.text.endswith(": it is rewritten")
    assert judge.judge(candidate("2.8.0", "cu128"), there) is None


def test_requirements_exported_from_a_lock_are_only_told() -> None:
    found = project.torch.judge(candidate("2.9.1"), asked(needing(("torch", "==2.8.0", "requirements"), manager="poetry")))
    assert isinstance(found, Risk)
    assert "does not fit" in found.text


def test_a_torch_for_numpy_1_beside_a_project_for_numpy_2() -> None:
    new, both, old = (asked(needing(("numpy", specifier))) for specifier in (">=2.1", ">=1.24", "<2"))
    found = project.numpy.judge(candidate("2.2.2"), new)
    assert isinstance(found, Reason)
    assert found.because == "pyproject.toml asks for numpy>=2.1, and torch 2.2.2 was built for NumPy 1"
    assert [project.numpy.judge(candidate("2.2.2"), other) for other in (both, old)] == [None, None]
    assert project.numpy.judge(candidate("2.9.1"), new) is None


def test_a_change_of_source_and_lock_is_named() -> None:
    there = asked(POETRY)
    assert project.kept.judge(candidate("2.8.0", "cu128"), there) is None
    found = project.kept.judge(candidate("2.9.1", "cu130"), there)
    assert isinstance(found, Risk)
    assert found.text == (
        "the project takes torch from the source pytorch-cu128, which becomes cu130; "
        "poetry.lock has torch 2.8.0+cu128 and is renewed"
    )


def test_what_is_locked_without_a_label_is_told_by_its_index() -> None:
    entry = Locked("torch", "2.8.0", "https://download.pytorch.org/whl/cu126", "uv", "", (), "uv.lock")
    there = asked(PastedProject(locked=(entry,)))
    assert project.kept.judge(candidate("2.8.0", "cu126"), there) is None
    found = project.kept.judge(candidate("2.8.0", "cu128"), there)
    assert isinstance(found, Risk)
    assert found.text == "uv.lock has torch 2.8.0 from cu126 and is renewed"


def test_a_lock_for_another_system_says_nothing() -> None:
    entry = Locked("torch", "2.8.0", "https://download.pytorch.org/whl/cpu", "uv", "sys_platform == 'darwin'", (), "uv.lock")
    assert project.kept.judge(candidate(), asked(PastedProject(locked=(entry,)))) is None


@pytest.mark.parametrize("label", ["cu129", "cu130"])
def test_a_poetry_project_on_cu128_moves_with_poetry_first(label: str) -> None:
    choice = decide.decide(asked(POETRY, wishes=Wishes(torch=f"+{label}")))
    assert choice.satisfied
    first = choice.options[0]
    assert (first.approach.name, first.candidate.build) == ("poetry", label)
    assert any("becomes " + label in risk and "poetry.lock" in risk for risk in first.risks)


def test_what_the_project_demands_is_never_offered_otherwise() -> None:
    pinned = asked(needing(("torch", ">=2.4,<2.7"), ("torchvision", "==0.20.1")))
    choice = decide.decide(pinned, every=True)
    assert choice.options
    assert {option.candidate.torch for option in choice.options} == {"2.5.1"}


def test_a_contradiction_is_a_conflict_of_the_file() -> None:
    choice = decide.decide(asked(needing(("torch", "<2.5"), ("torchvision", ">=0.24"))))
    assert not choice.satisfied
    told = {reason.because for rejected in choice.rejected for reason in rejected.reasons if reason.constraint == "project"}
    assert any("torch<2.5" in because for because in told)
    assert any("torchvision>=0.24" in because for because in told)
