"""Environments of pip and uv changed as transactions by the real tools, from an index of tiny wheels on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.act import bad_indexes
from tests.managers import index
from tests.managers.applied import Home, configured, home, option

from torchsmith.managers import transactions
from torchsmith.managers.base import CannotDo
from torchsmith.model.choice import Pin
from torchsmith.model.facts.project import Dependency, PastedProject

pytestmark = pytest.mark.slow

KEPT = {"filelock": "3.20.0", "numpy": "2.4.0"}
"""What PyPI gives; the index of a build has others."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("index")
    index.write(root)
    with index.served(root) as url:
        yield url


@pytest.fixture(autouse=True)
def told(served: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip and uv are told, in place of what the user has configured."""
    for name in tuple(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    for name, value in configured(served, tmp_path_factory.getbasetemp() / "uv-cache").items():
        monkeypatch.setenv(name, value)


def versions(at: Home, *names: str) -> dict[str, str]:
    return {name: version for name, version in at.installed().items() if name in names}


TORCH = ("torch", "torchvision")


@pytest.mark.parametrize("tools", [(("uv", "0"),), ()], ids=["by uv", "by pip"])
def test_an_environment_moves_to_another_build_and_back(served: str, tmp_path: Path, tools: tuple[tuple[str, str], ...]) -> None:
    at = home(tmp_path, "tool", by="pip", index=f"{served}/pypi")
    before, had = at.state(), at.installed()
    transaction = at.made(option("pip", "cu129", f"{served}/cu129"), at.place("pip", "2.13.0+cu130", tools=tools))
    program = transaction.runs[-1].argv[0]
    assert program == ("uv" if tools else str(at.python))
    outcome = at.carry_out(transaction)
    assert outcome.status == "done", outcome
    assert versions(at, *TORCH, *KEPT) == {"torch": "2.8.0+cu129", "torchvision": "0.23.0+cu129", **KEPT}
    assert at.state() != before
    assert [each.status for each in at.undo()] == ["undone"]
    assert (at.state(), at.installed()) == (before, had)


def test_what_the_present_build_alone_needed_goes_with_it(tmp_path: Path) -> None:
    """CUDA 12 gives way to 13: its wheels go first, for cuDNN has files of the same names in both; what others require stays."""
    pages = tmp_path / "index"
    twelve = ("nvidia-cublas-cu12==12.8.4", "nvidia-cudnn-cu12==9.10", "nvidia-nccl-cu12==2.27")
    _put(pages / "old", "torch", "2.8.0+cu128", needs=twelve)
    _put(pages / "old", "torchvision", "0.23.0+cu128", needs=("torch==2.8.0",))
    _put(pages / "old", "nvidia-cublas-cu12", "12.8.4", {"nvidia/cublas/lib/libcublas.so.12": "12"})
    _put(pages / "old", "nvidia-cudnn-cu12", "9.10", {"nvidia/cudnn/lib/libcudnn.so.9": "of 12"}, ("nvidia-cublas-cu12",))
    _put(pages / "old", "nvidia-nccl-cu12", "2.27", {"nvidia/nccl/lib/libnccl.so.2": "of 12"})
    _put(pages / "old", "solver", "1.0", needs=("nvidia-nccl-cu12",))
    _put(pages / "new", "torch", "2.9.0+cu130", needs=("nvidia-cublas==13.0.2", "nvidia-cudnn-cu13==9.13"))
    _put(pages / "new", "torchvision", "0.24.0+cu130", needs=("torch==2.9.0",))
    _put(pages / "new", "nvidia-cublas", "13.0.2", {"nvidia/cu13/lib/libcublas.so.13": "13"})
    _put(pages / "new", "nvidia-cudnn-cu13", "9.13", {"nvidia/cudnn/lib/libcudnn.so.9": "of 13"})
    _pages(pages)
    with index.served(pages) as url:
        at = home(tmp_path / "home", "torch==2.8.0+cu128", "torchvision", "solver", index=f"{url}/old")
        wanted = option("uv", "cu130", f"{url}/new", torch="2.9.0", vision="0.24.0")
        transaction = at.made(wanted, at.place("uv", "2.8.0+cu128"))
        assert [run.argv[2] for run in transaction.runs] == ["uninstall", "install"]
        assert transaction.expected.absent == ("nvidia-cublas-cu12", "nvidia-cudnn-cu12")
        assert "nvidia-nccl-cu12 stays: solver requires it" in transaction.notes
        before = at.state()
        assert at.carry_out(transaction).status == "done"
        left = {name for name in at.installed() if name.startswith("nvidia")}
        assert left == {"nvidia-cublas", "nvidia-cudnn-cu13", "nvidia-nccl-cu12"}
        library = next(at.prefix.rglob("libcudnn.so.9"))
        assert library.read_text() == "of 13"
        at.undo()
        assert at.state() == before
        assert next(at.prefix.rglob("libcudnn.so.9")).read_text() == "of 12"
        # Where something loads them without requiring them, all of them stay.
        _put(pages / "old", "ctranslate2", "4.5.0")
        _pages(pages)
        at = home(tmp_path / "other", "torch==2.8.0+cu128", "ctranslate2", index=f"{url}/old")
        kept = at.made(wanted, at.place("uv", "2.8.0+cu128"))
        assert [run.argv[2] for run in kept.runs] == ["install"]
        assert "the CUDA 12 wheels stay: ctranslate2 may load them" in kept.notes


def test_where_all_is_there_nothing_is_done(served: str, tmp_path: Path) -> None:
    at = home(tmp_path, "torch==2.8.0+cu128", "torchvision==0.23.0+cu128", index=f"{served}/cu128")
    transaction = at.made(option("uv", "cu128", f"{served}/cu128"), at.place("uv", "2.8.0+cu128"))
    assert transaction.empty
    before = at.state()
    assert at.carry_out(transaction).status == "nothing"
    assert at.state() == before


def test_beside_torch_alone_changes_what_was_asked_for(served: str, tmp_path: Path) -> None:
    at = home(tmp_path, "torch==2.8.0+cu128", "torchvision==0.23.0+cu128", "numpy==2.1.2", index=f"{served}/cu128")
    wanted = option("uv", "cu128", None, Pin("numpy", "1.26.4"))
    transaction = at.made(wanted, at.place("uv", "2.8.0+cu128"))
    assert len(transaction.runs) == 1
    assert at.carry_out(transaction).status == "done"
    assert versions(at, *TORCH, "numpy") == {"torch": "2.8.0+cu128", "torchvision": "0.23.0+cu128", "numpy": "1.26.4"}


# ---- new environments


def _project(folder: Path, **files: str) -> PastedProject:
    """A project that pip manages, with what its files ask for."""
    asked: list[Dependency] = []
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
        for word in (word for word in text.split() if not word.startswith("-")):
            asked_for = re.split("[<>=]", word, maxsplit=1)[0]
            asked.append(Dependency(asked_for, word.removeprefix(asked_for), "requirements", "", f"{name}.txt"))
    return PastedProject(
        dependencies=tuple(asked), manager="pip", folder=str(folder), files=tuple(f"{name}.txt" for name in files)
    )


@pytest.mark.parametrize(
    ("name", "tools"), [("pip", ()), ("pip", (("uv", "0"),)), ("uv", (("uv", "0"),))], ids=["pip", "pip by uv", "uv"]
)
def test_a_new_environment_is_made_and_filled_and_taken_away_again(
    served: str, tmp_path: Path, name: str, tools: tuple[tuple[str, str], ...]
) -> None:
    at = home(tmp_path)
    project = _project(tmp_path, requirements="accelerate==1.1\nfilelock==3.13.1\ntorch>=2.0\n")
    transaction = at.made(option(name, "cu128", f"{served}/cu128"), at.nowhere(project, tools=tools))
    assert transaction.environment is not None
    assert transaction.environment.prefix == str(at.prefix)
    outcome = at.carry_out(transaction)
    assert outcome.status == "done", outcome
    wanted = {"torch": "2.8.0+cu128", "torchvision": "0.23.0+cu128", "accelerate": "1.1", "filelock": "3.13.1"}
    assert versions(at, *wanted) == wanted
    config = (at.prefix / "pyvenv.cfg").read_text()
    assert "run-" not in config
    activate = (at.prefix / "bin" / "activate").read_text()
    assert str(at.prefix) in activate
    assert "run-" not in activate
    assert any(path.name.startswith("pip") for path in (at.prefix / "bin").iterdir()) == (name == "pip")
    at.undo()
    assert not at.prefix.exists()


def test_an_environment_that_is_there_is_never_made_over(served: str, tmp_path: Path) -> None:
    at = home(tmp_path, "-")
    wanted = option("uv", "cu128", f"{served}/cu128")
    transaction = at.made(wanted, at.nowhere())
    assert transaction.environment is not None
    assert transaction.environment.prefix == str(tmp_path / ".venv-torch")
    (tmp_path / ".venv-torch").mkdir()
    (tmp_path / ".venv-torch" / "pyvenv.cfg").touch()
    with pytest.raises(CannotDo, match="are environments already"):
        at.made(wanted, at.nowhere())


def test_requirements_that_ask_for_another_torch_are_not_overruled(served: str, tmp_path: Path) -> None:
    at = home(tmp_path)
    project = _project(tmp_path, requirements="accelerate\ntorch==2.2.0\n")
    with pytest.raises(CannotDo, match=r"`requirements.txt` asks for torch==2.2.0, which torch 2.8.0\+cu128 is not"):
        at.made(option("uv", "cu128", f"{served}/cu128"), at.nowhere(project))


# ---- everything but torch, and anew


@pytest.mark.parametrize("tools", [(("uv", "0"),), ()], ids=["by uv", "by pip"])
def test_everything_but_torch_is_brought_up_to_date(served: str, tmp_path: Path, tools: tuple[tuple[str, str], ...]) -> None:
    """Torch has a label that the configured index does not know; what belongs to it, and the CUDA wheels, stay as they are."""
    at = home(tmp_path, "torch==2.8.0+cu128", "torchvision==0.23.0+cu128", "numpy==2.1.2", by="pip", index=f"{served}/cu128")
    told = at.installed()
    assert told["filelock"] == "3.99.0"
    place = at.place("pip", "2.8.0+cu128", goal=transactions.UPDATE_OTHERS, tools=tools)
    transaction = at.made(option("pip", "cu130", None), place)
    outcome = at.carry_out(transaction)
    assert outcome.status == "done", outcome
    assert at.installed() == told | {"numpy": "2.4.0"}
    assert transaction.expected.torch == "2.8.0+cu128"


def test_what_torch_does_not_work_with_is_no_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch 2.2 was built against NumPy 1; what came from an address of its own is on no index."""
    pages = tmp_path / "index"
    _put(pages / "all", "torch", "2.2.0+cu118")
    for version in ("1.26.3", "1.26.4", "2.4.0"):
        _put(pages / "all", "numpy", version)
    for version in ("1.0", "9.0"):
        _put(pages / "all", "mine", version)
    _pages(pages)
    own = next((pages / "all" / "mine").glob("mine-1.0*.whl"))
    with index.served(pages) as url:
        at = home(tmp_path / "home", "torch==2.2.0+cu118", "numpy==1.26.3", f"mine @ {own.as_uri()}", index=f"{url}/all")
        place = at.place("uv", "2.2.0+cu118", goal=transactions.UPDATE_OTHERS)
        transaction = at.made(option("uv", "cu118", None, torch="2.2.0", vision=""), place)
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{url}/all")
        assert at.carry_out(transaction).status == "done"
        assert at.installed() == {"torch": "2.2.0+cu118", "numpy": "1.26.4", "mine": "1.0"}
        assert any("mine" in note for note in transaction.notes)


def test_a_clean_install_takes_the_place_of_the_environment_and_gives_it_back(served: str, tmp_path: Path) -> None:
    at = home(
        tmp_path, "torch==2.8.0+cu128", "torchvision==0.23.0+cu128", "numpy==2.1.2", "nvidia-cublas", index=f"{served}/cu128"
    )
    site = next(at.prefix.rglob("site-packages"))
    (site / "~orch").mkdir()
    (site / "torch" / "stray.py").write_text("of an older torch\n")
    before = at.state()
    place = at.place("uv", "2.8.0+cu128", goal=transactions.CLEAN)
    transaction = at.made(option("uv", "cu129", f"{served}/cu129", Pin("numpy", "1.26.4")), place)
    outcome = at.carry_out(transaction)
    assert outcome.status == "done", outcome
    assert versions(at, *TORCH, "numpy") == {"torch": "2.8.0+cu129", "torchvision": "0.23.0+cu129", "numpy": "1.26.4"}
    assert not (site / "~orch").exists()
    assert not (site / "torch" / "stray.py").exists()
    at.undo()
    assert at.state() == before


def _put(folder: Path, name: str, version: str, files: dict[str, str] | None = None, needs: tuple[str, ...] = ()) -> None:
    """A wheel with libraries of its own."""
    data = bad_indexes.wheel(files, name=name.replace("-", "_"), version=version, needs=needs)
    page = folder / name
    page.mkdir(parents=True, exist_ok=True)
    (page / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_bytes(data)


def _pages(root: Path) -> None:
    for page in [folder for part in root.iterdir() for folder in part.iterdir()]:
        links = "\n".join(f'<a href="{file.name.replace("+", "%2B")}">{file.name}</a>' for file in sorted(page.glob("*.whl")))
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}\n</body></html>\n")
