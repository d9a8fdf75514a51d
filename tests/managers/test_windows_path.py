"""The text of a PATH on Windows: what is the same folder, what is put before it; all else stays letter by letter (S03)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.managers import windows_path

NAMES = {"USERPROFILE": r"C:\Users\Jo", "cuda_path": r"C:\cuda\v12.8", "LOOP": "%LOOP%x", "ProgramFiles": r"C:\Program Files"}
TOOLKITS = r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"C:\cuda\v12.8\bin", r"c:\CUDA\V12.8\Bin"),
        (r"C:\cuda\v12.8\bin", "C:\\cuda\\v12.8\\bin\\"),
        (r"C:\cuda\v12.8\bin", "C:/cuda/v12.8/bin"),
        (r"C:\cuda\v12.8\bin", r"%CUDA_PATH%\bin"),
        (r"C:\cuda\v12.8\bin", r"C:\cuda\\v12.8\bin"),
        (r"C:\cuda\v12.8\bin", r'"C:\cuda\v12.8\bin"'),
        (r"C:\cuda\v12.8\bin", r" C:\cuda\v12.8\bin "),
        (r"C:\Program Files\x", r"%programfiles%\x"),
    ],
)
def test_one_folder_in_two_spellings(one: str, other: str) -> None:
    assert windows_path.folder(one, NAMES) == windows_path.folder(other, NAMES)
    text = rf"C:\a;{other};C:\b"
    assert windows_path.holds(text, one, NAMES)
    assert windows_path.added(text, [one], NAMES) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"C:\cuda\v12.8\bin", r"C:\cuda\v12.8"),
        (r"C:\cuda\v12.8\bin", r"C:\cuda\v12.8\bin2"),
        (r"C:\cuda\v12.8\bin", r"%NOBODY%\bin"),
        (r"C:\cuda\v12.8\bin", "%CUDA_PATH%"),
        (r"\\server\share", r"\server\share"),
        (r"C:\x", "%LOOP%"),
    ],
)
def test_two_folders(one: str, other: str) -> None:
    assert not windows_path.holds(other, one, NAMES)
    assert windows_path.added(other, [one], NAMES) == f"{one};{other}"


@pytest.mark.parametrize(
    ("text", "folders", "made"),
    [
        ("", [r"C:\cuda\bin"], r"C:\cuda\bin"),
        (";", [r"C:\cuda\bin"], r"C:\cuda\bin;;"),
        (r";;C:\a;;", [r"C:\cuda\bin"], r"C:\cuda\bin;;;C:\a;;"),
        (r'"C:\a;b";%X%', [r"C:\cuda\bin"], r'C:\cuda\bin;"C:\a;b";%X%'),
        (r"C:\a", [r"C:\d;e\bin"], r'"C:\d;e\bin";C:\a'),
        (r'"C:\d;e\bin";C:\a', [r"C:\d;e\bin"], r'"C:\d;e\bin";C:\a'),
        (r"C:\a", [r"C:\cuda\bin", r"C:\cuda\bin\x64"], r"C:\cuda\bin;C:\cuda\bin\x64;C:\a"),
        (r"C:\a", [r"C:\cuda\bin", r"c:\CUDA\bin"], r"C:\cuda\bin;C:\a"),
        (r"C:\cuda\bin\x64;C:\a", [r"C:\cuda\bin", r"C:\cuda\bin\x64"], r"C:\cuda\bin;C:\cuda\bin\x64;C:\a"),
        (r"%ProgramFiles%\CUDA v12\bin", [r"C:\Program Files\CUDA v12\bin"], r"%ProgramFiles%\CUDA v12\bin"),
    ],
)
def test_folders_are_put_before_what_is_there(text: str, folders: list[str], made: str) -> None:
    assert windows_path.added(text, folders, NAMES) == made
    assert windows_path.added(made, folders, NAMES) == made


def test_parts_of_other_toolkits_are_found() -> None:
    text = rf"C:\a;{TOOLKITS}\v11.8\bin;%MINE%\bin;{TOOLKITS}\v12.8\bin;{TOOLKITS}\v11.8\libnvvp;D:\cuda-12.4\bin"
    names = {"MINE": rf"{TOOLKITS}\v12.6"}
    found = windows_path.stale(text, "12.8", {"D:/cuda-12.4": "12.4.1"}, names)
    assert [(each.number, each.version) for each in found] == [(1, "11.8"), (2, "12.6"), (4, "11.8"), (5, "12.4.1")]
    first = windows_path.before(text, found, rf"{TOOLKITS}\v12.8\bin", names)
    assert [each.number for each in first] == [1, 2]
    assert windows_path.without(text, found) == rf"C:\a;{TOOLKITS}\v12.8\bin"


PART = st.one_of(
    st.sampled_from(["", "%CUDA_PATH%\\bin", r"C:\cuda\v12.8\bin", '"C:\\a;b"', "C:/x/", "%", "%%", '"', "\\\\srv\\x", "C:\\"]),
    st.text(alphabet='aC:\\/%;" .', max_size=12),
)
TEXT = st.lists(PART, max_size=8).map(";".join)
FOLDER = st.sampled_from([r"C:\cuda\v12.8\bin", r"C:\cuda\v13.0\bin\x64", r"C:\Program Files\a;b\bin", r"C:\x"])


@given(TEXT, st.lists(FOLDER, min_size=1, max_size=3))
def test_what_was_there_stays_and_a_second_time_adds_nothing(text: str, folders: list[str]) -> None:
    made = windows_path.added(text, folders, NAMES)
    assert made.endswith(text)
    assert windows_path.added(made, folders, NAMES) == made
    for path in folders:
        assert windows_path.holds(made, path, NAMES)


@given(TEXT)
def test_parts_put_together_are_the_text(text: str) -> None:
    assert ";".join(windows_path.parts(text)) == text
    assert windows_path.without(text, windows_path.stale(text, "12.8", {}, NAMES)) == text
