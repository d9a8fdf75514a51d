"""Options before real resolvers, with an index on this machine: what resolves, what does not, and who could not look."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.act.options import PLACE, candidate, option
from tests.lab.fixtures import have
from tests.managers import index
from tests.managers.tools import tool

from torchsmith.act import resolve, tools
from torchsmith.app.resolve import FIRST, resolved
from torchsmith.model.choice import Choice, Option, Requirement, Wishes
from torchsmith.model.facts.python import Environment, Package, Packages
from torchsmith.model.record import replace

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("indexes")
    index.write(root)
    with index.served(root) as url:
        yield url


@pytest.fixture
def configured(served: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The user's configuration, for pip and for uv: the index of this machine and no other."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_FIND_LINKS", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{served}/pypi")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{served}/pypi")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv-cache"))
    return served


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with pip alone: uv is neither on PATH nor beside the interpreter."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))


VISION = (("torchvision", "0.23.0"),)


@pytest.mark.parametrize("approach", ["uv", "pip"])
def test_what_the_default_index_serves_resolves(configured: str, approach: str) -> None:
    told = resolve.check(option(candidate("2.8.0", "cu128"), approach, None, VISION), PLACE)
    assert (told.problem, told.why) == ("", "")
    assert told.checked
    assert told.checked.startswith("uv ")
    assert dict(told.versions) == {
        "torch": "2.8.0",
        "torchvision": "0.23.0",
        "filelock": "3.20.0",
        "numpy": "2.4.0",
        "nvidia-cublas": "12.8.4",
    }


def test_a_build_comes_from_its_index_and_all_else_from_the_configured_one(configured: str) -> None:
    told = resolve.check(option(candidate("2.8.0", "cu129"), "uv", f"{configured}/cu129", VISION), PLACE)
    versions = dict(told.versions)
    assert (versions["torch"], versions["torchvision"]) == ("2.8.0+cu129", "0.23.0+cu129")
    assert (versions["numpy"], versions["filelock"]) == ("2.4.0", "3.20.0"), "the build's index has others of them"


def test_what_is_wanted_beside_it_is_resolved_too(configured: str) -> None:
    wanted = (Requirement("accelerate", "==1.1"), Requirement("numpy", "<2"))
    told = resolve.check(option(candidate("2.8.0", "cu128")), PLACE, wanted)
    assert {"accelerate": "1.1", "numpy": "1.26.4"}.items() <= dict(told.versions).items()


def test_of_pips_several_indexes_the_best_version_counts(configured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip sees it: an extra index with an older torch hides nothing, and one with a local label wins."""
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{configured}/cpu")
    newer = resolve.check(option(candidate("2.13.0", "cu130"), "pip"), PLACE)
    assert (newer.problem, dict(newer.versions)["torch"]) == ("", "2.13.0")
    same = resolve.check(option(candidate("2.8.0", "cu128"), "pip"), PLACE)
    assert "give torch 2.8.0+cpu" in same.problem


IMPOSSIBLE = {
    "no such version": ((Requirement("numpy", "<1.20"),), "numpy<1.20"),
    "two wishes that exclude each other": ((Requirement("numpy", "<2"), Requirement("accelerate", "==7")), "accelerate==7"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_resolved_is_said_in_the_resolvers_words(configured: str, name: str) -> None:
    wanted, words = IMPOSSIBLE[name]
    told = resolve.check(option(candidate("2.8.0", "cu128")), PLACE, wanted)
    assert told.checked
    assert words in told.problem
    assert "\n" not in told.problem
    assert len(told.problem) <= 405


def test_a_release_that_the_index_has_not_is_a_problem(configured: str) -> None:
    told = resolve.check(option(candidate("2.9.0", "cu128")), PLACE)
    assert told.checked
    assert "torch==2.9.0" in told.problem


def test_another_build_than_was_meant_is_a_problem(configured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has configured the index of CPU builds gets a CPU build without asking for it."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{configured}/cpu")
    told = resolve.check(option(candidate("2.8.0", "cu128")), PLACE)
    assert told.problem == "the configured indexes give torch 2.8.0+cpu where 2.8.0+cu128 is meant"


@pytest.mark.parametrize("platform", sorted(resolve.PLATFORMS))
@pytest.mark.parametrize("python", ["3.10", "3.14"])
def test_another_machine_is_resolved_for_from_here(configured: str, platform: str, python: str) -> None:
    told = resolve.check(option(candidate("2.8.0", "cu128", python, platform)), PLACE)
    assert told.checked
    assert not told.problem


def test_an_index_that_cannot_be_reached_leaves_it_unchecked(configured: str) -> None:
    told = resolve.check(option(candidate("2.8.0", "cu126"), "uv", "http://user:geheim@127.0.0.1:9/cu126"), PLACE)
    assert told.checked is None
    assert not told.problem
    assert "Failed to fetch: http://127.0.0.1:9/cu126/torch" in told.why
    assert "geheim" not in told.why


def test_a_free_threaded_python_that_is_not_here_leaves_it_unchecked(configured: str) -> None:
    told = resolve.check(option(candidate("2.8.0", "cu128", "3.99t")), PLACE)
    assert told.checked is None
    assert "3.99t" in told.why


def test_conda_is_not_asked(configured: str) -> None:
    told = resolve.check(option(candidate("2.8.0", "cu128", channel="conda-forge"), "conda"), PLACE)
    assert told.checked is None
    assert "conda-forge" in told.why


@pytest.mark.slow
@pytest.mark.usefixtures("without_uv")
def test_pip_resolves_where_there_is_no_uv(configured: str) -> None:
    assert tools.find("uv") is None
    told = resolve.check(option(candidate("2.8.0", "cu128", HERE), "pip", None, VISION), PLACE)
    assert told.checked
    assert told.checked.startswith("pip ")
    assert dict(told.versions)["torchvision"] == "0.23.0"
    impossible = resolve.check(option(candidate("2.8.0", "cu128", HERE), "pip"), PLACE, (Requirement("numpy", "<1.20"),))
    assert impossible.checked
    assert "numpy<1.20" in impossible.problem
    assert resolve.check(option(candidate("2.8.0", "cu128", "3.7"), "pip"), PLACE).checked is None


@pytest.mark.slow
def test_poetry_locks_a_copy_of_the_project(configured: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    poetry = have(tool, "poetry-2") / "env" / "bin"
    monkeypatch.setenv("PATH", f"{poetry}:/usr/bin:/bin")
    project = tmp_path / "project"
    project.mkdir()
    text = (
        '[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\npython = ">=3.11,<3.13"\nnumpy = "<2"\n'
        f'[[tool.poetry.source]]\nname = "here"\nurl = "{configured}/pypi/"\npriority = "primary"\n'
    )
    (project / "pyproject.toml").write_text(text)
    place = replace(PLACE, environment=Environment("poetry", "poetry", "", str(project)))
    own = option(candidate("2.8.0", "cu128"), "poetry", commands=(("poetry", "add", "torch==2.8.0"),))
    told = resolve.check(own, place)
    assert told.checked
    assert told.checked.startswith("Poetry ") or told.checked.startswith("poetry ")
    assert {"torch": "2.8.0", "numpy": "1.26.4"}.items() <= dict(told.versions).items()
    against = replace(own, commands=(("poetry", "add", "torch==2.8.0", "torchvision==0.28.0"),))
    impossible = resolve.check(against, place)
    assert impossible.checked == told.checked
    assert "torchvision (0.28.0)" in impossible.problem
    missing = resolve.check(replace(own, commands=(("poetry", "add", "torch==9"),)), place)
    assert missing.checked is None, "what its index does not list may be there under another interface of it"
    assert "torch" in missing.why
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]
    assert (project / "pyproject.toml").read_text() == text


# ---- a choice


def options(*builds: str, python: str = "3.11") -> tuple[Option, ...]:
    commands = (("uv", "pip", "install", "torch"),)
    made = (option(candidate(build.partition("+")[0], build.partition("+")[2], python), commands=commands) for build in builds)
    return tuple(replace(each, rank=rank) for rank, each in enumerate(made, 1))


def test_what_does_not_resolve_moves_to_the_rejected(configured: str) -> None:
    choice = Choice(Wishes(), options("2.9.0+cu128", "2.8.0+cu128"), ())
    found = resolved(choice, PLACE)
    assert [(each.rank, each.candidate.torch) for each in found.options] == [(1, "2.8.0")]
    assert str(found.options[0].checked).startswith("uv ")
    (rejected,) = found.rejected
    assert (rejected.reasons[0].constraint, rejected.approach) == ("resolver", "uv")
    assert "2.9.0" in rejected.reasons[0].because
    assert found.satisfied


def test_nothing_that_resolves_does_not_satisfy(configured: str) -> None:
    found = resolved(Choice(Wishes(), options("2.9.0+cu128"), ()), PLACE)
    assert not found.options
    assert not found.satisfied


def test_a_cpu_build_that_is_left_does_not_satisfy_in_place_of_another(configured: str) -> None:
    found = resolved(Choice(Wishes(), options("2.9.0+cu128", "2.8.0+cpu"), ()), PLACE)
    assert [each.candidate.build for each in found.options] == ["cpu"]
    assert not found.satisfied


def test_only_the_first_ones_are_checked_and_the_remark_says_so(configured: str) -> None:
    many = tuple(replace(option(candidate("2.8.0", "cu128", f"3.{minor}"), commands=(("uv",),))) for minor in range(9, 15))
    found = resolved(Choice(Wishes(), many, ()), PLACE)
    assert [bool(each.checked) for each in found.options] == [True] * FIRST + [False] * (len(many) - FIRST)
    assert f"{FIRST} of {len(many)} options" in found.remarks[-1]


def test_an_index_that_nobody_reaches_leaves_the_others_their_turn(configured: str) -> None:
    (last,) = options("2.8.0+cu128")
    first = option(candidate("2.8.0", "cu126"), "uv", "http://127.0.0.1:9/cu126", commands=(("uv",),))
    found = resolved(Choice(Wishes(), (first, replace(last, rank=2)), ()), PLACE, 1)
    assert [bool(each.checked) for each in found.options] == [False, True]
    assert "127.0.0.1:9" in found.options[0].notes[-1]
    assert found.satisfied


def test_pseudo_packages_are_asked_of_nobody(configured: str) -> None:
    """No index has a release of them that fits, were they asked for."""
    wishes = Wishes(
        needs=(Requirement("cuda", "==12.8", "--need"),),
        keeps=(Requirement("cudnn", "==9", "--keep"), Requirement("python", "", "--keep"), Requirement("numpy", "", "--keep")),
    )
    here = replace(PLACE, packages=Packages((Package("numpy", "1.26.4", "/e"),)))
    found = resolved(Choice(wishes, options("2.8.0+cu128"), ()), here)
    assert found.options[0].checked
    assert not found.rejected
    none = resolved(
        Choice(wishes, options("2.8.0+cu128"), ()), replace(here, packages=Packages((Package("numpy", "1.1", "/e"),)))
    )
    assert "numpy==1.1" in none.rejected[0].reasons[0].because, "what is kept is kept as it is"


def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    choice = Choice(Wishes(offline=True), options("2.8.0+cu128"), ())
    assert resolved(choice, PLACE).options == choice.options


def test_an_option_that_changes_nothing_is_not_checked(configured: str) -> None:
    still = replace(options("2.9.0+cu128")[0], commands=())
    assert resolved(Choice(Wishes(), (still,), ()), PLACE).options == (still,)
