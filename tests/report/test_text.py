"""The text report as a person reads it: whole reports, narrow terminals, colours, and nothing of outside text but its letters."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report import made_up

from torchsmith import __version__
from torchsmith.app import asked, check
from torchsmith.host.replay import ReplayHost
from torchsmith.model.diagnosis import Diagnosis
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import fields, replace
from torchsmith.report import machine, text
from torchsmith.report.escape import safe
from torchsmith.report.page import Page
from torchsmith.report.words import listed, size

EXPECTED = Path(__file__).parent / "expected"
MACHINES = Path(__file__).parents[1] / "machines"
WRITE = "TORCHSMITH_WRITE_EXPECTED"
# Some rules, so that a new one does not change these reports.
RULES = (
    *("cpu-only-build", "wrong-index-for-platform", "driver-too-old-for-cuda", "no-nvidia-gpu", "torch-not-installed"),
    *("numpy-abi", "nvcc-vs-torch-cuda-mismatch", "toolkit-too-old-for-gpu", "container-no-gpu-runtime", "cpu-isa-too-old"),
)
LAPTOP = ("os=windows", "gpu=RTX 5070 Ti", "driver=581.57", "python=3.13", "torch=2.9.0+cpu")
OLD_DRIVER = ("os=linux", "gpu=RTX 5070 Ti", "driver=470.82.01", "python=3.12", "glibc=2.39", "torch=2.14.1+cu130")


def assumed(*items: str) -> Diagnosis:
    host, facts = asked.evidence(ReplayHost({}), None, None, items)
    return check.check(host, facts, RULES, detail=True)


def recorded(name: str) -> Diagnosis:
    evidence = next(path for path in (MACHINES / name).iterdir() if path.name.startswith(("bundle", "evidence")))
    host, facts = asked.evidence(ReplayHost({}), str(evidence.relative_to(Path.cwd())), None, ())
    return check.check(host, facts, RULES, detail=True)


REPORTS: dict[str, Any] = {
    "assumed-cpu-build-on-windows": lambda: text.render(assumed(*LAPTOP)),
    "assumed-cpu-build-on-windows-colour": lambda: text.render(assumed(*LAPTOP), colour=True),
    "assumed-old-driver": lambda: text.render(assumed(*OLD_DRIVER)),
    "assumed-old-driver-narrow": lambda: text.render(assumed(*OLD_DRIVER), width=40),
    "assumed-old-driver-verbose": lambda: text.render(assumed(*OLD_DRIVER, "ram=32", "toolkit=12.4"), verbose=True),
    "recorded-no-torch": lambda: text.render(recorded("linux-none-none-no-torch")),
    "recorded-numpy-2": lambda: text.render(recorded("linux-none-none-2.2.2-numpy2")),
    "made-up-verbose": lambda: text.render(made_up.diagnosis("words"), verbose=True),
    "made-up-verbose-narrow": lambda: text.render(made_up.diagnosis("words"), width=40, verbose=True),
    "made-up": lambda: text.render(made_up.diagnosis("words")),
}


@pytest.mark.parametrize("name", REPORTS)
def test_whole_reports(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MACHINES)
    report = REPORTS[name]().replace(f"torchsmith {__version__}:", "torchsmith VERSION:")
    path = EXPECTED / f"{name}.txt"
    if os.environ.get(WRITE):
        path.write_text(report)
    assert report == path.read_text(), f"if the new report is the better one: {WRITE}=1 pytest {Path(__file__).name}"


def test_no_report_is_left_over() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(REPORTS)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_lines_are_as_wide_as_the_terminal_where_words_allow(width: int) -> None:
    for line in text.render(made_up.diagnosis("some words"), width, verbose=True).splitlines():
        words = line.split()
        command = line.startswith(("       pip", "  To decide", "  More:", "BLOCKER", "DEGRADED", "NOTE"))
        assert len(line) <= width or command or len(words[-1]) > width - 16, line


@pytest.mark.parametrize(("asked_for", "used"), [(10, 40), (500, 100)])
def test_no_terminal_is_too_narrow_or_too_wide(asked_for: int, used: int) -> None:
    assert text.render(made_up.diagnosis(), asked_for) == text.render(made_up.diagnosis(), used)


COLOUR = re.compile(r"\x1b\[\d+(?:;\d+)*m")


def test_colours_are_all_that_colour_adds() -> None:
    plain, coloured = (text.render(made_up.diagnosis("words"), 100, colour=colour, verbose=True) for colour in (False, True))
    assert "\x1b" not in plain
    codes = COLOUR.findall(coloured)
    assert set(codes) == {"\x1b[31;1m", "\x1b[33;1m", "\x1b[36m", "\x1b[1m", "\x1b[0m"}
    assert codes.count("\x1b[0m") * 2 == len(codes)
    assert COLOUR.sub("", coloured) == plain


def test_the_block_of_the_machine_is_for_verbose_alone() -> None:
    assert "\nMachine\n" not in text.render(made_up.diagnosis())
    assert "\nMachine\n" in text.render(made_up.diagnosis(), verbose=True)


# ---- the machine's block


def test_every_line_of_the_block_is_shown() -> None:
    labels = {label for label, _ in machine.rows(made_up.facts())} - {""}
    assert labels == {
        *("System", "Computer", "Container", "WSL", "Jetson", "Processor", "Memory", "Limits", "Disk", "GPU", "Other GPU"),
        *("Driver", "Compat", "Devices", "Toolkits", "Compilers", "Tools", "Variables", "Python", "Environment"),
        *("Search path", "torch", "GPU code", "Beside it", "Indexes"),
    }
    assert not machine.SHOWN - set(made_up.facts())


def test_what_is_unknown_says_why() -> None:
    unknown: dict[str, Fact[Any]] = dict.fromkeys(made_up.facts(), Unknown("slow: no answer in 2 s"))
    rows = list(machine.rows(unknown))
    assert len(rows) == 25
    assert {shown for _, shown in rows} == {"unknown (slow: no answer in 2 s)"}


@pytest.mark.parametrize("name", sorted(machine.SHOWN))
def test_a_known_absence_breaks_nothing(name: str) -> None:
    facts = made_up.facts()
    without = {key: fact for key, fact in facts.items() if key != name}
    assert list(machine.rows(without))
    assert list(machine.rows(facts | {name: Unknown("not asked")}))
    if name in {"container", "wsl", "jetson", "toolkits", "torch", "driver", "device_nodes", "compat_libraries", "limits"}:
        assert list(machine.rows(facts | {name: Known(None, "none here")}))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (8 << 20, "8 MiB"),
        (1536 << 20, "1.5 GiB"),
        (141 << 30, "141 GiB"),
        (None, "an unknown size"),
    ],
)
def test_sizes(number: int | None, words: str) -> None:
    assert size(number) == words
    assert listed("a", None, "", 0, False, "b") == "a, b"


# ---- hostile text

HOSTILE = st.text(
    st.sampled_from(
        "\x00\x07\x08\x1b\x7f\x85\x9b\r\n\t\v\f\u00ad\u200b\u200e\u202e\u2028\u2029\u2066\ufeff\udcff\U000e0041 ]0;[31m"
    )
    | st.characters(),
    max_size=40,
)


def poisoned(value: Any, words: str) -> Any:
    """The value with ``words`` at the end of every text in it."""
    if isinstance(value, str):
        return value + words
    if isinstance(value, tuple | list):
        return type(value)(poisoned(item, words) for item in value)
    if isinstance(value, dict):
        return {poisoned(key, words): poisoned(item, words) for key, item in value.items()}
    return replace(value, **{name: poisoned(getattr(value, name), words) for name in fields(value)}) if fields(value) else value


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_outside_text_never_reaches_the_terminal_raw(words: str) -> None:
    known = {name: Known(poisoned(fact.value, words), words) for name, fact in made_up.facts().items() if isinstance(fact, Known)}
    unknown: dict[str, Fact[Any]] = dict.fromkeys(known, Unknown(words, (words,)))
    for facts in (known, unknown):
        for verbose in (False, True):
            diagnosis = replace(made_up.diagnosis(words, {**facts}), undecided=("gpus",))
            report = text.render(diagnosis, 80, verbose=verbose)
            assert report.replace("\n", "").isprintable()


def test_no_line_can_be_forged() -> None:
    words = "\r\nBLOCKER  forged-cause\n\u2028BLOCKER\x1b[2K\x1b[1A"
    known = {name: Known(poisoned(fact.value, words), words) for name, fact in made_up.facts().items() if isinstance(fact, Known)}
    report = text.render(made_up.diagnosis(words, {**known}), verbose=True)
    assert [line for line in report.splitlines() if line.startswith("BLOCKER")] == [
        "BLOCKER  no-nvidia-driver   (likely, not certain)"
    ]


@given(HOSTILE)
def test_safe_text_is_one_printable_line(words: str) -> None:
    assert safe(words).isprintable()


@given(st.text(st.sampled_from("ab \n"), max_size=200), st.integers(40, 100))
def test_a_block_keeps_every_word(words: str, width: int) -> None:
    page = Page(width, colour=False)
    page.block(words, "  ", "    ")
    assert page.text().split() == words.split()
    assert all(len(line) <= width or len(line.split()) == 1 for line in page.text().splitlines())
