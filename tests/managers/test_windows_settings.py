"""A toolkit in the user's part of the registry: the edits are carried out on a registry in memory, and taken back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.managers.options import WINDOWS_ROOT, option, place

from torchsmith.act import registry
from torchsmith.act.registry import MemoryRegistry
from torchsmith.managers import toolkit_change, transactions, windows_path
from torchsmith.managers.base import CannotDo
from torchsmith.managers.windows_settings import ASKED, COMMAND_PROCESSOR, SYSTEM
from torchsmith.model.choice import Place
from torchsmith.model.transaction import Transaction

BIN = rf"{WINDOWS_ROOT}\bin"
OLD = r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v11.8\bin"
LONG = ";".join([*(rf"C:\very\long\directory\number{i:04d}\bin" for i in range(198)), "", r"%USERPROFILE%\bin", '"C:\\a;b"', ""])


def at(user: dict[str, tuple[str, str]], machine: dict[str, str] | None = None, **changes: Any) -> tuple[Place, MemoryRegistry]:
    """A place as it is read from a registry."""
    made = MemoryRegistry({("Environment", name): value for name, value in user.items()})
    read = [(key, name, *found) for key, name in ASKED if (found := made.read(key, name))]
    read += [(SYSTEM, name, "REG_EXPAND_SZ", text) for name, text in (machine or {}).items()]
    return place("windows", r"C:\e", registry=tuple(read), **changes), made


def asked(there: Place, approach: str = "user-path", cuda: str = "12.8") -> Transaction:
    return transactions.made(option(approach, cuda), there, {})


def carried_out(transaction: Transaction, made: MemoryRegistry) -> None:
    for edit in transaction.registry:
        registry.change(made, edit)


@pytest.mark.parametrize("kind", ["REG_SZ", "REG_EXPAND_SZ"])
def test_types_and_all_other_parts_are_kept(kind: str) -> None:
    """S03: a Path of more than 2,047 characters, with empty parts, quotes and unexpanded names, in both types."""
    there, made = at({"Path": (kind, LONG)})
    assert len(LONG) > 7000
    before = made.values
    transaction = asked(there)
    carried_out(transaction, made)
    assert made.read("Environment", "Path") == (kind, f"{BIN};{LONG}")
    assert made.read("Environment", "CUDA_HOME") == made.read("Environment", "CUDA_PATH") == ("REG_SZ", WINDOWS_ROOT)
    again, _ = at({name: value for (_, name), value in made.values.items()})
    assert asked(again).empty
    for edit in reversed(transaction.registry):
        registry.change(made, registry.reversed_edit(edit))
    assert made.values == before
    assert any("setx would cut it" in note for note in transaction.notes)
    assert not any("setx" in each.argv for each in transaction.shown)


def test_a_user_without_any_variable() -> None:
    there, made = at({})
    carried_out(asked(there), made)
    assert made.read("Environment", "Path") == ("REG_EXPAND_SZ", BIN)
    assert made.read("Environment", "CUDA_HOME") == ("REG_SZ", WINDOWS_ROOT)


@pytest.mark.parametrize(
    "present",
    [
        BIN.lower() + "\\",
        r"%CUDA_PATH%\bin",
        r"%ProgramFiles%\NVIDIA GPU Computing Toolkit\CUDA\v12.8\BIN",
        f'"{BIN}"',
        BIN.replace("\\", "/"),
    ],
)
def test_no_folder_is_added_twice(present: str) -> None:
    values = {
        "Path": ("REG_EXPAND_SZ", rf"C:\a;{present}"),
        "CUDA_PATH": ("REG_SZ", WINDOWS_ROOT + "\\"),
        "CUDA_HOME": ("REG_EXPAND_SZ", r"%ProgramFiles%\NVIDIA GPU Computing Toolkit\CUDA\v12.8"),
    }
    there, _ = at(values, values=(("ProgramFiles", r"C:\Program Files"),))
    assert asked(there).empty


def test_a_name_that_windows_does_not_replace_is_no_folder() -> None:
    """Only what is of type REG_EXPAND_SZ has its names replaced."""
    there, made = at({"Path": ("REG_SZ", r"%CUDA_PATH%\bin"), "CUDA_PATH": ("REG_SZ", WINDOWS_ROOT)})
    transaction = asked(there)
    carried_out(transaction, made)
    assert made.read("Environment", "Path") == ("REG_SZ", rf"{BIN};%CUDA_PATH%\bin")
    assert any("type REG_SZ" in note for note in transaction.notes)


def test_cuda_13_has_its_libraries_in_another_folder() -> None:
    root = WINDOWS_ROOT.replace("12.8", "13.0")
    there, made = at({"Path": ("REG_SZ", r"C:\a")}, toolkits=(("13.0", root),), torch="2.8.0+cu130", broken=False)
    carried_out(asked_settings(there, "13.0"), made)
    assert made.read("Environment", "Path") == ("REG_SZ", rf"{root}\bin;{root}\bin\x64;C:\a")


def asked_settings(there: Place, cuda: str) -> Transaction:
    from torchsmith.managers import windows_settings

    return Transaction("", registry=windows_settings.edits(toolkit_change.of(option("user-path", cuda), there), there))


def test_parts_of_other_toolkits_are_told_and_go_only_when_asked() -> None:
    text = rf"{OLD};C:\a;{OLD}\..\libnvvp"
    there, made = at({"Path": ("REG_EXPAND_SZ", text)})
    transaction = asked(there)
    assert any(OLD in note and "stay unless" in note for note in transaction.notes)
    carried_out(transaction, made)
    assert made.read("Environment", "Path") == ("REG_EXPAND_SZ", f"{BIN};{text}")
    there, made = at({"Path": ("REG_EXPAND_SZ", text)}, remove_stale=True)
    transaction = asked(there)
    carried_out(transaction, made)
    assert made.read("Environment", "Path") == ("REG_EXPAND_SZ", rf"{BIN};C:\a")
    for edit in transaction.registry:
        registry.change(made, registry.reversed_edit(edit))
    assert made.read("Environment", "Path") == ("REG_EXPAND_SZ", text)


def test_what_belongs_to_the_machine_is_only_shown() -> None:
    """S04: nothing is ever written for the machine, and nothing that needs an administrator is carried out."""
    there, made = at({}, {"Path": rf"C:\Windows;{OLD}", "CUDA_PATH": OLD.removesuffix(r"\bin")})
    transaction = asked(there)
    assert [each.argv[0] for each in transaction.shown] == ["rundll32.exe"]
    assert "11.8" in transaction.shown[0].why
    assert any("the machine's own CUDA_PATH stays" in note for note in transaction.notes)
    assert {edit.key for edit in transaction.registry} == {"Environment"}
    carried_out(transaction, made)


def test_what_cmd_runs_at_its_start_is_named() -> None:
    """S02: AutoRun of cmd."""
    there, _ = at({})
    there = place("windows", r"C:\e", registry=((COMMAND_PROCESSOR, "AutoRun", "REG_SZ", r"call C:\set_cuda.bat"),))
    assert any("AutoRun" in note and "set_cuda.bat" in note for note in asked(there).notes)


@pytest.mark.parametrize(
    ("user", "machine", "told"),
    [
        ({"CUDA_HOME": ("REG_SZ", r"C:\gone")}, {}, "the user's own variables set it"),
        ({}, {"CUDA_HOME": r"C:\gone"}, "the machine's set it"),
        ({}, {}, "whoever started this shell set it"),
    ],
)
def test_who_set_a_folder_without_a_toolkit(user: dict[str, tuple[str, str]], machine: dict[str, str], told: str) -> None:
    """S05 on Windows."""
    there, _ = at(user, machine, values=(("CUDA_HOME", r"C:\gone"),))
    assert [told in note for note in asked(there).notes if r"names `C:\gone`" in note] == [True]


def test_which_terminals_have_to_be_opened_again() -> None:
    there, made = at({})
    transaction = asked(there)
    assert any("Windows Terminal" in note for note in transaction.notes)
    carried_out(transaction, made)
    again, _ = at({name: value for (_, name), value in made.values.items()})
    assert not any("Windows Terminal" in note for note in asked(again).notes)


def test_a_toolkit_that_is_not_here_is_not_named() -> None:
    there, _ = at({}, toolkits=(("12.3", r"C:\old"),))
    with pytest.raises(CannotDo, match=r"12\.8 toolkit is not on this machine"):
        asked(there)


def test_a_value_that_windows_would_expand_or_cut() -> None:
    there, _ = at({"CUDA_HOME": ("REG_EXPAND_SZ", "x")}, toolkits=(("12.8", r"D:\100%\cuda"),))
    with pytest.raises(CannotDo, match="expanded"):
        asked(there)
    there, _ = at({"Path": ("REG_SZ", "C:\\" + "a" * 32740)})
    with pytest.raises(CannotDo, match="32766"):
        asked(there)


def test_a_folder_with_spaces_and_a_semicolon() -> None:
    """E06 on Windows."""
    root = r"D:\my tools;new\cuda ä 12.8"
    there, made = at({"Path": ("REG_SZ", r"C:\a")}, toolkits=(("12.8", root),))
    carried_out(asked(there), made)
    assert made.read("Environment", "Path") == ("REG_SZ", rf'"{root}\bin";C:\a')
    assert made.read("Environment", "CUDA_HOME") == ("REG_SZ", root)
    again, _ = at({name: value for (_, name), value in made.values.items()}, toolkits=(("12.8", root),))
    assert asked(again).empty


VALUE = st.text(alphabet='aC:\\/%;"1 .\u00e4\udcff', max_size=20)
KIND = st.sampled_from(["REG_SZ", "REG_EXPAND_SZ"])


@given(st.dictionaries(st.sampled_from(["Path", "CUDA_HOME", "CUDA_PATH"]), st.tuples(KIND, VALUE)), st.booleans())
def test_twice_is_once_and_undo_is_exact(values: dict[str, tuple[str, str]], remove: bool) -> None:
    there, made = at(values, remove_stale=remove)
    before = made.values
    transaction = asked(there)
    carried_out(transaction, made)
    for name, (kind, _) in values.items():
        found = made.read("Environment", name)
        assert found is not None
        assert found[0] == kind
    path = made.read("Environment", "Path")
    assert path is not None
    assert windows_path.holds(path[1], BIN, {})
    now = {name: value for (_, name), value in made.values.items()}
    again, _ = at(now, remove_stale=remove)
    assert asked(again).empty
    for edit in reversed(transaction.registry):
        registry.change(made, registry.reversed_edit(edit))
    assert made.values == before
