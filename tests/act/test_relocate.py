"""What an installer writes into a clone is, after relocation, byte for byte what it would have written at the live path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.act.trees import NAMES, contents, editable, environment, install, site, wheel

from torchsmith.act import clone, exchange, relocate, rewrite

SAMPLE = next(iter(NAMES))
BY_PIP = [pytest.param("pip", name, marks=[pytest.mark.slow, *([pytest.mark.nightly] * (name != SAMPLE))]) for name in NAMES]


@pytest.mark.parametrize(("tool", "name"), [*(("uv", name) for name in NAMES), *BY_PIP])
def test_a_relocated_clone_is_what_the_installer_makes_of_the_live_tree(tmp_path: Path, tool: str, name: str) -> None:
    parent = tmp_path / NAMES[name]
    parent.mkdir()
    old, new = (wheel(tmp_path, version=version) for version in ("1.0", "2.0"))
    stays, project = wheel(tmp_path, "stays"), editable(parent / "project")
    staged = parent / ".torchsmith" / "run-3" / "project"
    live, kept = environment(parent / ".venv"), parent / "kept"
    install(tool, live, old, stays)
    shutil.copytree(live, kept, symlinks=True)

    install(tool, live, "--no-build-isolation", "-e", project, new)
    wanted = contents(live)
    shutil.rmtree(live)
    kept.rename(live)
    before = contents(live)

    copy = parent / ".torchsmith" / ".venv" / "run-3"
    copy.parent.mkdir(parents=True)
    clone.clone(live, copy)
    seen = clone.snapshot(live)
    relocate.adopt(copy, live)
    shutil.copytree(project, staged)
    install(tool, copy, "--no-build-isolation", "-e", staged, new)
    assert clone.damaged(seen, live) == ()
    relocate.relocate(copy, live, ((staged, project),))

    found = contents(copy)
    stamps = [f"{site(live).relative_to(live)}/ed-1.dist-info/{file}" for file in ("uv_cache.json", "RECORD")]
    for file in stamps if tool == "uv" else ():  # when the staged pyproject.toml was made, and the digest of that
        assert found.pop(file)[1].count(b"\n") == wanted.pop(file)[1].count(b"\n")
    assert found == wanted
    assert relocate.left(copy, live, ((staged, project),)) == ()
    assert contents(live) == before


def test_programs_of_a_clone_run_in_the_clone_and_afterwards_in_the_live_tree(tmp_path: Path) -> None:
    live, copy = environment(tmp_path / "env"), tmp_path / "copy"
    install("uv", live, wheel(tmp_path, body="import sys\ndef main():\n    print(sys.prefix)\n"))
    clone.clone(live, copy)
    assert said(copy / "bin" / "app-say") == str(live)
    before = contents(copy)
    assert relocate.adopt(copy, live) == 3
    assert said(copy / "bin" / "app-say") == str(copy)
    assert said(live / "bin" / "app-say") == str(live)
    assert relocate.relocate(copy, live) == 0
    assert contents(copy) == before
    assert clone.fingerprint(copy) == clone.fingerprint(live)


def test_an_environment_behind_a_link_keeps_the_name_that_was_used(tmp_path: Path) -> None:
    real, link, copy = tmp_path / "elsewhere" / "env", tmp_path / ".venv", tmp_path / "elsewhere" / ".torchsmith" / "run-3"
    body = "import sys\ndef main():\n    print(sys.prefix)\n"
    old, new = (wheel(tmp_path, version=version, body=body) for version in ("1.0", "2.0"))
    link.symlink_to(environment(real), target_is_directory=True)
    install("uv", link, old)
    kept = tmp_path / "kept"
    shutil.copytree(real, kept, symlinks=True)
    install("uv", link, new)
    wanted = contents(real)
    shutil.rmtree(real)
    kept.rename(real)

    copy.parent.mkdir()
    clone.clone(real, copy)
    assert relocate.adopt(copy, link) == 3
    assert said(copy / "bin" / "app-say") == str(copy)
    install("uv", copy, new)
    relocate.relocate(copy, link)
    assert contents(copy) == wanted
    exchange.exchange(real, copy)
    assert said(link / "bin" / "app-say") == str(link)


def test_a_new_environment_bears_the_name_of_its_place(tmp_path: Path) -> None:
    live, copy = tmp_path / "env", tmp_path / ".torchsmith" / "run-3"
    wanted = contents(environment(live))
    shutil.rmtree(live)
    relocate.relocate(environment(copy), live)
    assert contents(copy) == wanted


def test_a_new_environment_by_uv_bears_the_name_of_its_place(tmp_path: Path) -> None:
    live, copy = tmp_path / "env", tmp_path / ".torchsmith" / "run-3"
    for prefix in (live, copy):
        done = subprocess.run([Path(sys.executable).with_name("uv"), "venv", "-q", "-p", sys.executable, prefix], check=False)
        assert done.returncode == 0
    wanted = contents(live)
    shutil.rmtree(live)
    relocate.relocate(copy, live)
    assert contents(copy) == wanted


def test_a_link_that_leads_out_of_the_tree_leads_there_from_the_clone(tmp_path: Path) -> None:
    live, copy = tmp_path / "env", tmp_path / "deep" / "down" / "copy"
    (live / "bin").mkdir(parents=True)
    copy.parent.mkdir(parents=True)
    (tmp_path / "python").write_text("outside")
    (live / "bin" / "python").symlink_to("../../python")
    (live / "bin" / "python3").symlink_to("python")
    clone.clone(live, copy)
    relocate.adopt(copy, live)
    assert (copy / "bin" / "python3").read_text() == "outside"
    (copy / "bin" / "new").symlink_to("../../../../python")
    (copy / "bin" / "absolute").symlink_to(copy / "bin" / "python3")
    relocate.relocate(copy, live)
    said_by = {path.name: str(path.readlink()) for path in (copy / "bin").iterdir()}
    assert said_by == {
        "python": "../../python",
        "python3": "python",
        "new": "../../python",
        "absolute": f"{live}/bin/python3",
    }


def test_a_file_shared_with_the_live_tree_is_never_written_into(tmp_path: Path) -> None:
    live, copy = tmp_path / "env", tmp_path / "copy"
    (live / "share").mkdir(parents=True)
    (live / "share" / "note.txt").write_text(f"made in {copy}\n")
    clone.clone(live, copy)
    shared = copy / "share" / "second name"
    os.link(copy / "share" / "note.txt", shared)
    assert relocate.relocate(copy, live) == 1
    assert shared.read_text() == f"made in {live}\n"
    assert (live / "share" / "note.txt").read_text() == f"made in {copy}\n"


def test_compiled_python_tells_the_true_path_wherever_it_was_compiled(tmp_path: Path) -> None:
    live, copy = environment(tmp_path / "env"), tmp_path / "copy"
    clone.clone(live, copy)
    (site(copy) / "fails.py").write_text("def now():\n    raise RuntimeError\n")
    subprocess.run([copy / "bin" / "python", "-m", "compileall", "-q", site(copy)], check=True)
    relocate.relocate(copy, live)
    assert relocate.left(copy, live) == ()
    live.rename(tmp_path / "old")
    copy.rename(live)
    done = subprocess.run(
        [live / "bin" / "python", "-c", "import fails; fails.now()"], capture_output=True, text=True, check=False
    )
    assert f'File "{site(live)}/fails.py", line 2' in done.stderr


def test_what_still_names_the_clone_is_told(tmp_path: Path) -> None:
    live, copy = tmp_path / "env", tmp_path / "copy"
    copy.mkdir()
    (copy / "odd.bin").write_bytes(b"\0length 20:" + os.fsencode(copy) + b"/x\xff and more")
    (copy / "sibling.txt").write_text(f"{copy}-other and {copy}2 and {copy}.bak and /elsewhere{copy}\n")
    relocate.relocate(copy, live)
    assert relocate.left(copy, live) == ("odd.bin",)


def test_conda_programs_keep_the_length_of_each_string_and_its_records_follow(tmp_path: Path) -> None:
    live, copy = tmp_path / "env", tmp_path / "longer-copy"
    placeholder = b"/opt/placeholder" + b"_placehold" * 12

    def installed(prefix: Path) -> None:
        root = os.fsencode(prefix)
        (prefix / "conda-meta").mkdir(parents=True)
        (prefix / "lib").mkdir()
        padded = (root + b"/lib:" + root + b"/share\0").ljust(len(placeholder) * 2 + 13, b"\0")
        data = b"\x7fELF\0" * 9 + padded + b"end\0" + b"x" * (5 << 20)
        (prefix / "lib" / "libx.so").write_bytes(data)
        from hashlib import sha256

        digest = sha256(data).hexdigest()
        (prefix / "conda-meta" / "x-1-0.json").write_text(
            '{"name": "x", "paths_data": {"paths": [{"_path": "lib/libx.so", "file_mode": "binary",'
            f' "prefix_placeholder": "{placeholder.decode()}", "sha256_in_prefix": "{digest}"}}]}}}}'
        )

    installed(live)
    wanted = contents(live)
    shutil.rmtree(live)
    installed(copy)
    assert relocate.relocate(copy, live) == 1
    assert contents(copy) == wanted


def test_a_sibling_is_as_long_and_free(tmp_path: Path) -> None:
    live = tmp_path / "envé"
    live.mkdir()
    other = relocate.sibling(live)
    assert (other.parent, len(os.fsencode(other))) == (live.parent, len(os.fsencode(live)))
    assert not other.exists()
    other.mkdir()
    assert relocate.sibling(live) not in {live, other}


NAME = st.text(st.sampled_from("ab 'é%\"$日-_.~+@"), min_size=1, max_size=6).filter(lambda name: name.strip(" .") == name)


@given(NAME, NAME)
def test_a_path_is_found_in_every_way_of_writing_it(parent: str, name: str) -> None:
    import json
    import shlex
    from urllib.parse import quote

    old, new = f"/{parent}/.torchsmith/{name}/run-3", f"/{parent}/{name}"
    moved = rewrite.move(old, new)
    for written in (str, quote, json.dumps, shlex.quote, lambda path: json.dumps(path, ensure_ascii=False)):
        text, wanted = (f"{written(path)}\n{written(path + '/bin')}\n".encode() for path in (old, new))
        assert moved.plain(text) == wanted
        assert not moved.within(wanted)


def said(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip()
