"""Copies of projects: they look like what they stand for, and nothing that is written there reaches what is live."""

import os
from pathlib import Path

import pytest

from torchsmith.act import staging
from torchsmith.model.transaction import Edit, Environment, Run, Transaction

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")

MAPPED = {
    "/a/demo/.venv/bin/python": "/a/demo/.torchsmith/.venv/run-1/bin/python",
    "/a/demo": "/a/demo/.torchsmith/run-1/demo",
    "--prefix=/a/demo/.venv": "--prefix=/a/demo/.torchsmith/.venv/run-1",
    "/a/demo/pyproject.toml": "/a/demo/.torchsmith/run-1/demo/pyproject.toml",
    "file:///a/demo/lib": "file:///a/demo/.torchsmith/run-1/demo/lib",
    "/a/demo2": "/a/demo2",
    "/a/demo.txt": "/a/demo.txt",
    "/a/demo-x/.venv": "/a/demo-x/.venv",
    "/b/a/demo": "/b/a/demo",
    "/a/demo/.venv-old/bin": "/a/demo/.torchsmith/run-1/demo/.venv-old/bin",
    "torch==2.8.0": "torch==2.8.0",
}


@pytest.mark.parametrize("word", MAPPED)
def test_words_of_a_command_name_the_copies(word: str) -> None:
    pairs = (("/a/demo/.venv", "/a/demo/.torchsmith/.venv/run-1"), ("/a/demo", "/a/demo/.torchsmith/run-1/demo"))
    assert staging.Copies(pairs).mapped(word) == MAPPED[word]
    assert staging.Copies().mapped(word) == word


def staged(project: Path, *edits: Edit, writes: tuple[str, ...] = ()) -> Path:
    run = Run(("true",), "lock", str(project), writes)
    place = Environment(str(project / ".venv"), str(project / ".venv/bin/python"))
    return staging.project(str(project), Transaction("x", place, edits, (run,)), staging.project_folder(str(project), 1))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    found = tmp_path / "work" / "demo"
    for name in (".venv/bin", "src/demo", "req", ".git"):
        (found / name).mkdir(parents=True)
    for name in ("pyproject.toml", "poetry.lock", "src/demo/__init__.py", "req/torch.txt", "req/other.txt"):
        (found / name).write_text(name)
    (tmp_path / "work" / "lib").mkdir()
    (tmp_path / "work" / "lib" / "x.py").write_text("lib")
    return found


@pytest.mark.parametrize("large", [False, True])
def test_what_is_written_in_the_copy_does_not_reach_what_is_live(project: Path, large: bool) -> None:
    with (project / "src" / "weights").open("wb") as file:
        file.truncate(100 << 20 if large else 10)
    edits = Edit(str(project / "pyproject.toml"), "", "new", ""), Edit(str(project / "req/torch.txt"), "", "t", "")
    copy = staged(project, *edits, Edit(str(project / "gone.txt"), None, None, ""), writes=("poetry.lock", "new.lock"))
    assert copy.name == "demo"
    assert sorted(path.name for path in copy.iterdir()) == [".git", "poetry.lock", "pyproject.toml", "req", "src"]
    assert (copy / "pyproject.toml").read_text() == "new"
    assert (copy / "req/torch.txt").read_text() == "t"
    assert (copy / "req/other.txt").is_symlink() == large
    assert (copy / ".git").is_symlink()
    (copy / "src/demo.egg-info").mkdir()
    assert (project / "src/demo.egg-info").exists() == large
    (copy / "poetry.lock").write_text("changed")
    (copy / "pyproject.toml").write_text("changed")
    assert (project / "poetry.lock").read_text() == "poetry.lock"
    assert (project / "pyproject.toml").read_text() == "pyproject.toml"
    assert (project / ".torchsmith" / ".gitignore").read_text() == "*\n"
    assert staging.project_folder(str(project), 1).name == "run-1-2"  # never what lies there already


def test_what_lies_beside_the_project_is_reached_by_the_same_path(project: Path) -> None:
    text = '[tool.uv.sources]\nlib = { path = "../lib" }\n'
    copy = staged(project, Edit(str(project / "pyproject.toml"), "", text, ""))
    assert (copy / "../lib/x.py").read_text() == "lib"
    (project / "pyproject.toml").write_text('a = "../../work/lib"')
    copy = staged(project)
    assert (copy / "../../work/lib/x.py").read_text() == "lib"
    assert (copy / "src/demo/__init__.py").exists()


def test_what_a_program_wrote_by_following_links_names_the_live_place(project: Path) -> None:
    copy = staged(project, Edit(str(project / "pyproject.toml"), "", 'a = "../lib"', ""))
    real = os.path.relpath(project.parent / "lib", copy), os.path.relpath(project / "src", copy)
    wrote = f'url = "{real[0]}"\nurl = "{real[1]}"\nurl = "../lib"\nurl = "src"\n'.encode()
    told = staging.as_if_live(wrote, copy, project).decode().splitlines()
    assert told == ['url = "../lib"', 'url = "src"', 'url = "../lib"', 'url = "src"']


def test_files_that_one_program_alone_finds(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("before")
    with staging.given(tmp_path, (("a", "during"), ("b", "new"))):
        assert (tmp_path / "a").read_text() + (tmp_path / "b").read_text() == "duringnew"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "before"
