"""The journal and what is kept beside it: what was cut short does not count, and what was changed is not believed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.act import changes

from torchsmith.act import store as kept
from torchsmith.act.journal import SPACE, Journal
from torchsmith.model.errors import UsageError
from torchsmith.model.record import plain
from torchsmith.model.transaction import (
    Edit,
    Effect,
    Environment,
    Expected,
    RegistryEdit,
    Run,
    Shown,
    Transaction,
)


def journal(folder: Path, records: int) -> Path:
    path = folder / "journal"
    made = Journal(path)
    for number in range(records):
        made.add("step", what=f"w{number}")
    return path


def test_records_come_back_in_order_and_space_is_taken_in_advance(tmp_path: Path) -> None:
    path = journal(tmp_path, 5)
    assert path.stat().st_size >= SPACE
    assert [record["number"] for record in Journal(path).records] == [1, 2, 3, 4, 5]
    assert Journal(path).last("step") == {"number": 5, "kind": "step", "what": "w4"}
    assert Journal(path).last("other") is None


@given(cut=st.integers(0, 400), junk=st.binary(max_size=20))
def test_a_torn_record_and_all_behind_it_do_not_count(tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes) -> None:
    path = journal(tmp_path_factory.mktemp("torn"), 4)
    data = path.read_bytes()
    path.write_bytes(data[:cut] + junk)
    found = Journal(path)
    whole = data[:cut].count(b"\n")
    assert len(found.records) in {whole, whole + (junk[:1] == b"\n" and data[cut : cut + 1] == b"\n")}
    found.add("after")
    assert [record["kind"] for record in Journal(path).records][-1] == "after"


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    store = changes.store(tmp_path)
    assert (store.history(), store.pending(), store.cut()) == ((), (), ())
    with pytest.raises(UsageError, match="no run 1"):
        store.entry(1)


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/torchsmith"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/torchsmith"),
        ({"HOME": "/h"}, "/h/.local/state/torchsmith"),
    ],
)
def test_where_the_store_is(environ: dict[str, str], root: str) -> None:
    assert str(kept.root(environ)) == root


def test_no_home_no_store() -> None:
    with pytest.raises(UsageError, match="XDG_STATE_HOME"):
        kept.root({})


WHOLE = Transaction(
    "all of it",
    Environment("/p", "/p/bin/python", "conda", ("conda", "create")),
    (Edit("/p/x", None, "te\udce9xt", "why"), Edit("/p/y", "ab", None, "why")),
    (Run(("a", "b"), "why", "/p", ("lock",), (("N", "v"),), 3.0, (("pyproject.toml", "t"),)),),
    (RegistryEdit("Environment", "Path", ("REG_SZ", "a"), None, "why"),),
    (Shown(("sudo", "x"), "why"),),
    Expected("2.8.0+cu128", (("torch", "2.8.0"),), ("old",), gpu=True),
    ("note",),
    ("index",),
    (("/p/lock", None),),
    "finger",
    1,
    2,
    3,
    ("pid 1",),
)


def test_a_transaction_comes_back_as_it_was(tmp_path: Path) -> None:
    store = changes.store(tmp_path)
    entry = store.begin(WHOLE)
    assert store.transaction(store.entry(entry.number)) == WHOLE
    assert kept.transaction_of(plain(WHOLE)) == WHOLE


def test_effects_that_somebody_changed_are_refused(tmp_path: Path) -> None:
    store = changes.store(tmp_path)
    entry = store.begin(WHOLE)
    effects = (Effect("replace", "/p/x", "/p/.x", "a", "b", (1, 2)), Effect("registry", "k", setting=WHOLE.registry[0]))
    store.keep_effects(entry, "commit", effects)
    assert store.effects(store.entry(1)) == effects
    told = entry.folder / "commit.json"
    told.write_text(told.read_text().replace("/p/x", "/etc"))
    with pytest.raises(kept.DamagedError, match="does not agree"):
        store.effects(store.entry(1))
    assert store.history()[0].state == "damaged"


def test_a_plan_that_cannot_be_read(tmp_path: Path) -> None:
    store = changes.store(tmp_path)
    entry = store.begin(WHOLE)
    for text in ("", "[]", "{}", '{"title": 1}'):
        (entry.folder / "transaction.json").write_text(text)
        with pytest.raises(kept.DamagedError):
            store.transaction(entry)


def test_marks_of_runs_that_never_began_are_tidied(tmp_path: Path) -> None:
    store = changes.store(tmp_path)
    entry = store.begin(WHOLE)
    (store.root / "open" / "000007").touch()
    assert [past.number for past in store.pending()] == [1]
    entry.journal.add("done")
    store.tidy()
    assert list((store.root / "open").iterdir()) == []
