"""Large logs: the same answers, however the bytes come and whatever finds the needles; in constant memory."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchsmith.intake import clue, finders, scan, signatures, text
from torchsmith.intake.excerpt import HEAD, PURSES, TAIL
from torchsmith.intake.scan import Scan
from torchsmith.knowledge import load_needles, load_signatures
from torchsmith.knowledge.compiled.needles import GROUPS, NEEDLES, PARTLY
from torchsmith.model.complaint import Complaint

FINDERS = [finders.Plain]
try:
    import hyperscan  # noqa: F401

    FINDERS.append(finders.Fast)  # type: ignore[arg-type]
except ImportError:
    pass
BOTH = pytest.mark.parametrize("finder", FINDERS)
ENTRIES = load_signatures.entries()
ORDINARY = load_needles.ordinary().splitlines()
ERROR = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
COMMAND = "[7/99] /usr/local/cuda/bin/nvcc -O3 -std=c++17 -c a.cu -o a.cu.o\n"


def scanned(data: bytes, finder: type[finders.Plain], size: int = 1 << 18) -> Scan:
    found = Scan(finder)
    for at in range(0, len(data), size):
        found.feed(data[at : at + size])
    found.end()
    return found


def complaints(data: bytes, finder: type[finders.Plain], size: int = 1 << 18) -> list[Complaint]:
    return list(scanned(data, finder, size).told()[1])


def places(found: list[Complaint]) -> list[tuple[str, int, int]]:
    return [(each.signature, each.position.line, each.position.column) for each in found]


def whole(data: bytes) -> list[Complaint]:
    """As of a small text, but for messages that were broken in two: those are only looked for in very small ones."""
    with mock.patch.object(signatures, "BROKEN_LIMIT", -1):
        return list(signatures.read(text.lines(text.decode(data))))


# What is said on lines longer than 400 characters by nothing but ordinary words is left to small texts.
LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [example for entry in ENTRIES for example in entry.examples if len(example) < 300 and "\n" not in example]
        ),
        st.sampled_from(ORDINARY).map(lambda line: line[:300]),
        st.sampled_from(["", "\x1b[31merror:\x1b[0m bad", "a\tb", "caf\u00e9 \u2018x\u2019", "  indented", "x" * 300]),
    ),
    max_size=30,
)


@BOTH
@settings(max_examples=15, deadline=None)
@given(lines=LINES, ends=st.sampled_from(["\n", "\r\n"]), size=st.integers(1, 5000))
def test_the_same_as_of_a_small_text(finder: type[finders.Plain], lines: list[str], ends: str, size: int) -> None:
    data = ends.join(lines).encode()
    assert complaints(data, finder, size) == whole(data)


@pytest.mark.skipif(len(FINDERS) < 2, reason="the extra `logs` is not installed")
@settings(max_examples=15, deadline=None)
@given(lines=LINES, size=st.integers(1, 5000))
def test_both_finders_say_the_same(lines: list[str], size: int) -> None:
    data = ("\n".join(lines) + "\n").encode()
    one, other = (scanned(data, finder, size) for finder in FINDERS)
    assert one.told() == other.told()
    assert one.lines == other.lines == data.count(b"\n")


@BOTH
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(finder: type[finders.Plain], encoding: str) -> None:
    data = (COMMAND * 300 + ERROR + "\n" + COMMAND * 300).encode(encoding)
    assert ("no-kernel-image", 301, 27) in places(complaints(data, finder, 999))


@BOTH
@pytest.mark.parametrize(
    "line",
    [
        f"\x1b[1m\x1b[31m{ERROR}\x1b[0m",
        "RuntimeError: CUDA error: no kern\x1b[Kel ima\x1b[0mge is available for execution on the device",
        ERROR.replace(" ", "\t"),
        ERROR.replace("kernel", "ker\0nel"),
        ERROR.replace(" ", "\u00a0"),
        ERROR.replace("kernel", "ker\u200bnel"),
        f"2026-01-02T03:04:05.123Z {ERROR}",
        ERROR.upper(),
    ],
)
def test_dressed_lines(finder: type[finders.Plain], line: str) -> None:
    data = (COMMAND * 50 + line + "\n" + COMMAND * 50).encode()
    found = [each for each in complaints(data, finder) if each.position.line == 51]
    expected = [each for each in whole(data) if each.position.line == 51]
    assert found == expected


@BOTH
def test_a_very_long_line(finder: type[finders.Plain]) -> None:
    before = 600_000
    data = b"first\n" + b"x" * before + b" " + ERROR.encode() + b" " + b"y" * 300_000 + b"\n" + ERROR.encode() + b"\n"
    found = places(complaints(data, finder, 12_345))
    assert [line for name, line, _ in found if name == "no-kernel-image"] == [2, 3]
    column = next(column for name, line, column in found if name == "no-kernel-image" and line == 2)
    assert column == before + 1 + 27


@BOTH
def test_what_is_said_again_and_again_is_kept_a_few_times(finder: type[finders.Plain]) -> None:
    data = (ERROR + "\n" + COMMAND * 20).encode() * 60
    lines = [line for name, line, _ in places(complaints(data, finder)) if name == "no-kernel-image"]
    assert lines == [1 + 21 * place for place in range(signatures.KEPT)]


@BOTH
def test_words_that_stand_everywhere_do_not_hide_the_error(finder: type[finders.Plain]) -> None:
    noise = "note: this is not found to be available, is not supported and could not be loaded: version mismatch undefined\n"
    data = (noise * 1000 + ERROR + "\n" + noise * 1000).encode()
    assert ("no-kernel-image", 1001, 27) in places(complaints(data, finder))


@BOTH
def test_progress_that_overwrites_itself(finder: type[finders.Plain]) -> None:
    bar = b"".join(b"\r   %d %% of torch-2.9.0.whl" % percent for percent in range(100))
    data = bar * 40 + b"\r\n" + ERROR.encode() + b"\r\n"
    assert ("no-kernel-image", 100 * 40 + 2, 27) in places(complaints(data, finder, 4096))


def test_the_excerpt_keeps_begin_end_and_surroundings() -> None:
    about = "Driver Version: 570.86.10     CUDA Version: 12.8\n"
    parts = [f"begin\n{COMMAND * 6000}", about, COMMAND * 6000, f"  context of it\n{ERROR}\n", COMMAND * 6000, "end\n"]
    data = "".join(parts).encode()
    excerpt, _ = scanned(data, finders.Plain).told()
    lines = data.decode().split("\n")
    assert all(lines[line.number - 1] == line.text for line in excerpt)
    kept = {line.text for line in excerpt}
    assert {"begin", about.strip(), "  context of it", ERROR, "end"} <= kept
    assert sum(len(line.text) for line in excerpt) <= HEAD + TAIL + sum(PURSES.values())
    assert [line.number for line in excerpt] == sorted({line.number for line in excerpt})


def test_no_needle_is_ordinary() -> None:
    ordinary = load_needles.ordinary()
    assert not [needle for needle in NEEDLES if needle in ordinary]
    assert len(NEEDLES) < 700, "each costs speed: give new signatures words that others have too"


def test_needles_stand_for_every_text_that_is_looked_for() -> None:
    stood_for = {literal for own in NEEDLES.values() for literal in own}
    assert stood_for == {literal for group in GROUPS.values() for literal in group}
    assert all(needle in literal for needle, own in NEEDLES.items() for literal in own)
    for entry in ENTRIES:
        if entry.id in GROUPS and entry.id not in PARTLY:
            lines_ = [line.text.lower() for example in entry.examples for line in text.lines(example)]
            assert any(literal in line for line in lines_ for literal in GROUPS[entry.id]), entry.id


def test_few_complaints_are_told_in_ordinary_words() -> None:
    complaining = {entry.id for entry in ENTRIES if entry.role != "context"}
    assert set(PARTLY) <= complaining
    assert len(PARTLY) <= 90, PARTLY
    assert len(complaining - GROUPS.keys()) <= 20, complaining - GROUPS.keys()


def test_a_block_holds_whole_pieces() -> None:
    assert (scan.BLOCK - clue.OVERLAP) % (text.LINE_LIMIT - clue.OVERLAP) == 0
