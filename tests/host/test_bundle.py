from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchsmith.app import check
from torchsmith.host import bundle
from torchsmith.host.base import Host
from torchsmith.host.local import LocalHost
from torchsmith.host.recorder import RecordingHost
from torchsmith.host.redact import Identity, Redactor
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.finding import Outcome
from torchsmith.model.known import Known, Unknown

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
FLAT = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(st.text(max_size=10), SCALARS, max_size=4)
JSON = FLAT | st.lists(FLAT, max_size=3) | st.dictionaries(st.text(max_size=10), FLAT, max_size=3)
GOOD = bundle.write({'["read", "/x", 9]': {"value": "text", "source": "/x"}}, "0.1.0", "a note")


def test_round_trip() -> None:
    host = bundle.read(GOOD, "good")
    assert host.read("/x", 9) == Known("text", "/x")
    assert host.read("/y", 9) == Unknown("not in this bundle", ("/y 9",))


HOSTILE: dict[str, Callable[[], str]] = {
    "truncated": lambda: GOOD[: len(GOOD) // 2],
    "empty": lambda: "",
    "of a newer version": lambda: GOOD.replace('"schema_version": 1', '"schema_version": 2'),
    "of no version": lambda: GOOD.replace('"schema_version": 1', '"schema_version": true'),
    "deeply nested": lambda: '{"format": "torchsmith-bundle", "evidence": ' + "[" * 200_000 + "]" * 200_000 + "}",
    "nested inside a value": lambda: GOOD.replace('"text"', "[" * 5000 + "]" * 5000),
    "a list": lambda: '["torchsmith-bundle"]',
    "with a list as evidence": lambda: json.dumps({"format": bundle.FORMAT, "schema_version": 1, "evidence": []}),
    "with an answer of another form": lambda: json.dumps({"format": bundle.FORMAT, "schema_version": 1, "evidence": {"x": 5}}),
    "with a huge number": lambda: (
        '{"format": "torchsmith-bundle", "schema_version": 1, "evidence": {"x": {"value": ' + "9" * 10_000 + "}}}"
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_bundle(what: str) -> None:
    with pytest.raises(UnreadableInputError) as caught:
        bundle.read(HOSTILE[what](), "given.json")
    assert "given.json" in str(caught.value)
    assert caught.value.exit_code == 2


@given(st.text(max_size=300) | JSON.map(json.dumps))
def test_any_text_gives_one_error(text: str) -> None:
    with pytest.raises(UnreadableInputError):
        bundle.read(text, "x")


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict[str, object]]:
    host = RecordingHost(LocalHost())
    check.check(host)
    return host.evidence(Redactor(Identity()))


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_lies_in_a_bundle_cost_no_more_than_their_facts(recorded: dict[str, dict[str, object]], data: st.DataObject) -> None:
    """Every answer may be replaced by anything: probes and rules then say Unknown, and nothing raises."""
    lies = st.dictionaries(st.sampled_from(sorted(recorded)), st.tuples(JSON, st.text(max_size=9)), max_size=6)
    changed = recorded | {key: {"value": value, "source": source} for key, (value, source) in data.draw(lies).items()}
    diagnosis = check.check(bundle.read(bundle.write(changed, "0"), "x"))
    assert not [j for j in diagnosis.judgements if j.outcome is Outcome.CRASHED]


def test_a_replayed_machine_gives_the_same_diagnosis() -> None:
    host: Host = LocalHost()
    recording = RecordingHost(host)
    first = check.check(recording)
    again = check.check(bundle.read(bundle.write(recording.evidence(Redactor(Identity())), "0"), "x"))
    assert (first.verdict, [f.cause for f in first.root_causes]) == (again.verdict, [f.cause for f in again.root_causes])
