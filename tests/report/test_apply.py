"""What a person sees of a change: all of it before it is agreed to, how far it is, how it ended; hostile text stays text."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.model.record import fields, plain, replace
from torchsmith.model.transaction import (
    Edit,
    Effect,
    Environment,
    Expected,
    Outcome,
    Past,
    RegistryEdit,
    Run,
    Shown,
    Transaction,
)
from torchsmith.report import apply_json, apply_text, transaction_json
from torchsmith.report.apply_progress import Progress

EXPECTED = Path(__file__).parent / "expected_apply"
PROJECT = '[project]\nname = "x"\ndependencies = ["torch>=2.6"]\n'
FILES = {"/home/you/app/pyproject.toml": PROJECT, "/home/you/.bashrc": "alias ll='ls -l'"}
WHOLE = Transaction(
    "torch 2.8.0+cu129 for Python 3.12 by Poetry",
    Environment("/home/you/app/.venv", "/home/you/app/.venv/bin/python"),
    (
        Edit(
            "/home/you/app/pyproject.toml",
            sha256(PROJECT.encode()).hexdigest(),
            PROJECT + '\n[[tool.poetry.source]]\nname = "pytorch-cu129"\nurl = "https://me:secret@index.invalid/cu129"\n',
            "torch comes from one index alone",
        ),
        Edit(
            "/home/you/.bashrc",
            "0" * 64,
            "alias ll='ls -l'\nexport CUDA_HOME=/usr/local/cuda-12.9\n",
            "CUDA_HOME of every new shell",
        ),
        Edit("/home/you/app/requirements-torch.txt", None, "torch==2.8.0+cu129\n", "torch in a file of its own"),
    ),
    (
        Run(
            ("poetry", "lock", "--no-interaction"),
            "the lock follows pyproject.toml",
            "/home/you/app",
            ("poetry.lock",),
            (("POETRY_VIRTUALENVS_IN_PROJECT", "true"), ("TORCHSMITH_SETTINGS_OF", "pip")),
        ),
        Run(("poetry", "install"), "what the lock says is installed", "/home/you/app"),
    ),
    (RegistryEdit("Environment", "CUDA_HOME", None, ("REG_SZ", r"C:\CUDA\v12.9"), "what is compiled looks there"),),
    (Shown(("sudo", "ldconfig"), "the loader learns of the folder"),),
    Expected("2.8.0+cu129", (("torch", "2.8.0+cu129"), ("torchvision", "0.23.0+cu129")), ("nvidia-cublas-cu11",), gpu=True),
    ("a lock of Poetry 2 is not read by Poetry 1",),
    ("https://me:secret@index.invalid/cu129",),
    (("/home/you/app/poetry.toml", None),),
    "f" * 64,
    2_900_000_000,
    6_100_000_000,
    4,
    ("pid 4711 python train.py",),
)
PAST = (
    Past(1, "torch 2.8.0+cu128 for Python 3.12 by pip", "2026-11-21T20:01:02Z", "failed", problem="the index does not answer"),
    Past(2, "torch 2.8.0+cu129 for Python 3.12 by pip", "2026-11-21T20:05:09Z", "done", ("/home/you/app/.venv",)),
    Past(3, "take back run 2: torch 2.8.0+cu129", "2026-11-21T20:15:00Z", "done", ("/home/you/app/.venv",), 2),
    Past(4, "torch 2.9.0+cu130", "2026-11-21T21:00:00Z", "committed"),
)
CUT = (replace(PAST[0], state="staging"), replace(PAST[1], state="damaged"))
DONE = Outcome(
    "done",
    7,
    effects=(Effect("exchange", "/home/you/app/.venv", "/home/you/app/.torchsmith/.venv/run-7", "a", "b"),),
    checks=(("import torch", True, "2.8.0+cu129 in 1.20 s"), ("import torch", True, "2.8.0+cu129 in 1.20 s")),
    mode="hard link",
    seconds=83.4,
)
FAILED = Outcome(
    "failed",
    8,
    "`uv pip install` found no version of torch that fits",
    ("error: no solution", "hint: https://me:secret@index.invalid/simple"),
    checks=(("import torch", False, "ImportError: libcudart.so.13"),),
    exit_code=5,
)
PAGES = {
    "plan": lambda width: apply_text.plan(WHOLE, FILES, "bash", width),
    "new": lambda width: apply_text.plan(
        replace(
            WHOLE,
            environment=Environment("/home/you/app/.venv", "p", create=("uv", "venv")),
            fingerprint="",
            edits=(),
            registry=(),
            shown=(),
        ),
        {},
        "bash",
        width,
    ),
    "done": lambda width: apply_text.outcome(DONE, WHOLE, width, old=("bash (pid 4711)",)),
    "failed": lambda width: apply_text.outcome(FAILED, WHOLE, width),
    "history": lambda width: apply_text.history(PAST, {2: 5_400_000_000}, width),
    "refused": lambda width: apply_text.refusal("this is conda's base environment", WHOLE.shown, "bash", width),
    "cut": lambda width: "".join(apply_text.cut(past, width=width) for past in (*CUT, PAST[3])),
}


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_expected(name: str, width: int) -> None:
    page, file = PAGES[name](width), EXPECTED / f"{name}-{width}.txt"
    if os.environ.get("TORCHSMITH_WRITE_EXPECTED"):
        EXPECTED.mkdir(exist_ok=True)
        file.write_text(page)
    assert page == file.read_text()
    for line in page.splitlines():
        assert len(line) <= width or line.startswith("    ") or " " not in line.strip(), line


@pytest.mark.parametrize("name", PAGES)
def test_no_password_is_shown(name: str) -> None:
    assert "secret" not in PAGES[name](80)
    told = json.dumps(apply_json.document("apply", FAILED, transaction_json.document(WHOLE, FILES), WHOLE.shown))
    assert "secret" not in told


def poisoned(value: Any, poison: str) -> Any:
    """The same value with the poison in each of its texts."""
    if isinstance(value, str):
        return value + poison
    if isinstance(value, tuple) and not fields(value):
        return tuple(poisoned(item, poison) for item in value)
    if fields(value):
        return type(value)(*(poisoned(getattr(value, name), poison) for name in fields(value)))
    return value


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=6))
def test_no_text_moves_the_cursor(poison: str) -> None:
    made = poisoned(WHOLE, poison)
    files = {path + poison: text for path, text in FILES.items()}
    pages = [
        apply_text.plan(made, files, "bash"),
        apply_text.outcome(poisoned(FAILED, poison), made),
        apply_text.history(poisoned(PAST, poison), {}),
        apply_text.refusal(poison, poisoned(WHOLE.shown, poison), "bash"),
        *(apply_text.cut(past, poison) for past in poisoned(PAST, poison)),
        *(apply_text.cut(past) for past in poisoned(PAST, poison)),
    ]
    for page in pages:
        assert all(line.isprintable() for line in page.split("\n")), page
    stream = StringIO()
    watch = Progress(stream, moving=False, verbose=True)
    watch.phase(f"install{poison}")
    watch.said(f"x{poison}")
    assert all(line.isprintable() for line in stream.getvalue().split("\n"))


# ---- the difference of a file


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\nb\n", "a\nc\n", ("@@ -1,2 +1,2 @@", " a", "-b", "+c")),
        ("a", "a\n", ("@@ -1,2 +1 @@", " a", "-\\ no newline at the end of the file")),
        ("a\r\nb\r\n", "a\r\nb\r\nc\r\n", ("@@ -1,2 +1,3 @@", " a\r", " b\r", "+c\r")),
        (None, "a\n", ("@@ -0,0 +1 @@", "+a")),
        ("a\n", None, ("@@ -1 +0,0 @@", "-a")),
        ("a\x0cb\n", "a\x0cb\nc\n", ("@@ -1 +1,2 @@", " a\x0cb", "+c")),
    ],
)
def test_a_difference_is_by_lines(before: str | None, after: str | None, lines: tuple[str, ...]) -> None:
    files = {} if before is None else {"Pipfile": before}
    assert transaction_json.diff(Edit("Pipfile", None if before is None else "0" * 64, after, ""), files) == lines


OURS = "# >>> torchsmith >>>\nexport CUDA_HOME=/usr/local/cuda-13.0\nexport PATH=/usr/local/cuda-13.0/bin:$PATH\n"


@pytest.mark.parametrize(
    "path",
    [
        "/home/you/.bashrc",
        "/p/.env",
        "/p/.envrc",
        "/p/.venv/bin/activate",
        "C:\\p\\profile.ps1",
        "/p/compose.yaml",
        "/p/Dockerfile",
    ],
)
def test_the_other_lines_of_somebodys_own_file_are_shown_to_nobody(path: str) -> None:
    """R36: a block comes last, and behind the lines that people add themselves."""
    own = "export CUDA_HOME=/old\nexport API_KEY=hunter2\nset -gx OTHER hunter2\n"
    edit = Edit(path, "0" * 64, own + OURS, "why")
    assert transaction_json.diff(edit, {path: own}) == ("@@ -3,0 +4,3 @@", *(f"+{line}" for line in OURS.splitlines()))
    made = Transaction("x", edits=(edit,))
    assert "hunter2" not in json.dumps(transaction_json.document(made, {path: own}))
    assert "hunter2" not in apply_text.plan(made, {path: own}, "bash", verbose=True)
    # Not in lines that go or change, either; a folder that goes is told.
    gone = transaction_json.diff(Edit(path, "0" * 64, OURS, "why"), {path: own})
    assert gone[1:4] == ("-export CUDA_HOME=/old", "-export API_KEY=***", "-set -gx OTHER ***")
    moved = transaction_json.diff(Edit(path, "0" * 64, 'export A="hunter2"\nx: 5\n', "why"), {path: "B=hunter2\n"})
    assert moved[1:] == ("-B=***", "+export A=***", "+x: 5")


def test_a_token_in_a_manifest_is_hidden() -> None:
    token = "ghp_" + "a1" * 15
    shown = transaction_json.diff(Edit("/p/Pipfile", "0" * 64, f"x = 1\ny = '{token}'\n", ""), {"/p/Pipfile": f"y = '{token}'\n"})
    assert shown == ("@@ -1 +1,2 @@", "+x = 1", " y = '***'")


def test_a_long_difference_is_cut_and_said_so() -> None:
    made = Transaction("x", edits=(Edit("f", None, "\n".join(map(str, range(500))) + "\n", "why"),))
    short, long = apply_text.plan(made, {}, "bash"), apply_text.plan(made, {}, "bash", verbose=True)
    assert f"and {501 - apply_text.LINES} lines more: --verbose" in short
    assert "+499" in long


def test_of_many_users_a_few_are_named() -> None:
    made = replace(WHOLE, users=tuple(f"pid {number} python" for number in range(100, 120)))
    short, long = apply_text.plan(made, FILES, "bash"), apply_text.plan(made, FILES, "bash", verbose=True)
    assert ("and by 14 more: --verbose" in short, "pid 119" in short, "pid 119" in long) == (True, False, True)


# ---- progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def steps(watch: Progress, clock: Clock) -> Iterator[int]:
    """A copy of a thousand files in ten seconds."""
    watch.phase("copy the environment")
    for done in range(0, 1001, 50):
        clock.now += 0.5
        watch.advance(done, 1000, "files")
        yield done


def test_elsewhere_than_on_a_terminal_each_step_is_a_line() -> None:
    stream, clock = StringIO(), Clock()
    watch = Progress(stream, moving=False, clock=clock)
    for _ in steps(watch, clock):
        pass
    watch.phase("install torch")
    watch.said("Downloading")
    watch.end()
    assert stream.getvalue() == "1. copy the environment\n2. install torch\n"


def test_on_a_terminal_one_line_moves() -> None:
    stream, clock = StringIO(), Clock()
    watch = Progress(stream, moving=True, width=60, clock=clock)
    seen = [stream.getvalue().rpartition("\r")[2].rstrip() for _ in steps(watch, clock)]
    assert seen[0] == "1. copy the environment  0 of 1000 files"
    assert seen[10] == "1. copy the environment  500 of 1000 files, 6 s left"
    assert seen[-1] == "1. copy the environment  1000 of 1000 files"
    watch.phase("download")
    clock.now += 100
    watch.advance(10**9, 3 * 10**9, "bytes")
    watch.advance(10**9, None, "bytes")
    watch.said("x" * 200)
    watch.end()
    shown = stream.getvalue()
    assert re.search(r"\r1\. copy the environment  10 s +\n", shown)
    assert "2. download  1.0 GB of 3.0 GB, 3 min left" in shown
    assert shown.count("\n") == 2
    assert all(len(part.rstrip("\n")) < 60 for part in shown.split("\r"))
    assert "\x1b" not in shown


def test_a_quick_installer_does_not_flood_the_terminal() -> None:
    stream, clock = StringIO(), Clock()
    watch = Progress(stream, moving=True, clock=clock)
    watch.phase("install")
    before = len(stream.getvalue())
    for number in range(100_000):
        clock.now += 1e-5
        watch.advance(number, 100_000, "files")
    assert len(stream.getvalue()) - before < 2000


# ---- documents


def test_a_document_tells_all_that_a_transaction_does() -> None:
    told = transaction_json.document(WHOLE, FILES)
    kinds = [action["type"] for action in told["actions"]]
    assert kinds == ["change-environment", *["edit-file"] * 3, *["run"] * 2, "set-registry-value"]
    assert all(action["inverse"] for action in told["actions"])
    assert [shown["elevation"] for shown in told["shown"]] == [True]
    assert json.loads(json.dumps(told)) == told
    assert plain(WHOLE)
