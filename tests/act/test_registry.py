"""Values of the registry: types kept, nothing overwritten that is not as it was, and what goes wrong is said (S03, S04)."""

from __future__ import annotations

import pytest

from torchsmith.act import registry
from torchsmith.act.registry import MemoryRegistry, RegistryError
from torchsmith.model.errors import StaleError
from torchsmith.model.transaction import RegistryEdit

LONG = ";".join(rf"C:\very\long\directory\number{i:04d}\bin" for i in range(200))
OLD, NEW = ("REG_EXPAND_SZ", LONG), ("REG_EXPAND_SZ", r"C:\cuda\bin;" + LONG)
EDIT = RegistryEdit("Environment", "Path", OLD, NEW, "for nvcc")
MADE = RegistryEdit("Environment", "CUDA_HOME", None, ("REG_SZ", r"C:\cuda"), "for builds")


def given() -> MemoryRegistry:
    return MemoryRegistry({("Environment", "Path"): OLD})


@pytest.mark.parametrize("edit", [EDIT, MADE])
def test_a_change_and_its_way_back(edit: RegistryEdit) -> None:
    made = given()
    before = made.values
    assert registry.change(made, edit)
    assert made.read(edit.key.upper(), edit.name.lower()) == edit.after
    assert not registry.change(made, edit)
    assert registry.change(made, registry.reversed_edit(edit))
    assert not registry.change(made, registry.reversed_edit(edit))
    assert made.values == before
    assert len([entry for entry in made.log if entry[0] == "write"]) == 2


def test_nothing_is_written_over_what_somebody_else_wrote() -> None:
    made = given()
    made.put("Environment", "Path", ("REG_SZ", LONG))  # the same text, of another type
    with pytest.raises(StaleError, match="REG_SZ"):
        registry.change(made, EDIT)
    assert made.read("Environment", "Path") == ("REG_SZ", LONG)


def test_somebody_writes_between_reading_and_writing_of_another_value() -> None:
    """The value that was read is compared with what is there at that moment, not with what a plan saw."""
    made = given()
    made.meddler = lambda key, name: made.put(key, "CUDA_HOME", ("REG_SZ", r"C:\theirs")) if name == "Path" else None
    registry.change(made, EDIT)
    with pytest.raises(StaleError, match="theirs"):
        registry.change(made, MADE)
    assert registry.taken_back(made, EDIT) == ""
    assert "theirs" in registry.taken_back(made, MADE)
    assert made.read("Environment", "Path") == OLD
    assert made.read("Environment", "CUDA_HOME") == ("REG_SZ", r"C:\theirs")


def test_a_write_that_is_lost_is_found_out_by_reading_back() -> None:
    made = given()
    made.forgets = True
    with pytest.raises(RegistryError, match="reads as"):
        registry.change(made, EDIT)


def test_a_key_that_a_policy_locks() -> None:
    made = given()
    made.forbidden = frozenset({"environment"})
    assert made.refusal("Environment")
    with pytest.raises(PermissionError):
        registry.change(made, EDIT)
    assert made.read("Environment", "Path") == OLD


def test_a_broadcast_that_nobody_answers_is_told_and_is_no_failure() -> None:
    made = given()
    assert made.broadcast() == ""
    made.deaf = True
    assert "started anew" in made.broadcast()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (r"HKLM\SYSTEM\Environment", None),
        ("HKEY_LOCAL_MACHINE\\SOFTWARE", None),
        ("hkcu\\Environment", None),
        ("", None),
        ("\\Environment", None),
        ("Environment", ("REG_BINARY", "a")),
        ("Environment", ("REG_SZ", "a\0b")),
        ("Environment", ("REG_SZ", "a" * 32767)),
    ],
)
def test_what_is_not_the_users_own_or_no_text_is_refused(key: str, value: tuple[str, str] | None) -> None:
    with pytest.raises(RegistryError):
        given().write(key, "Path", value)


def test_there_is_none_on_this_system() -> None:
    with pytest.raises(RegistryError, match="only Windows"):
        registry.WindowsRegistry()
