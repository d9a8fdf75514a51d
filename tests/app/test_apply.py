"""Plan files are anybody's: whatever stands in one, it is the question that was written, or a refusal in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torchsmith.app import plan_file, question, stale
from torchsmith.model.errors import StaleError, TorchsmithError, UsageError

ASKED = question.Asked(
    "training", ("whisperx==3.4.2",), ("numpy<2",), "2.9+cu128", python="/home/you/.venv", assume=("gpu=RTX 5090",)
)
TRANSACTION: dict[str, Any] = {
    "schema_version": 1,
    "title": "torch 2.9.1+cu128 by pip",
    "environment": {"prefix": "/home/you/.venv", "python": "/home/you/.venv/bin/python", "kind": "venv", "made": False},
    "actions": [
        {"type": "change-environment", "path": "/home/you/.venv", "before": "f" * 64, "inverse": ""},
        {"type": "edit-file", "path": "/home/you/pyproject.toml", "before": "a" * 64, "after": "b" * 64, "diff": ["+x"]},
        {"type": "run", "argv": ["uv", "pip", "install", "torch==2.9.1"]},
    ],
    "users": ["pid 1 python"],
    "notes": [],
    "minutes": 3,
}
RESTS_ON: dict[str, Any] = {
    "environment": {"prefix": "/home/you/.venv", "python": "3.12.1", "kind": "venv", "manager": "pip"},
    "torch": {"version": "2.8.0", "build": "cu128"},
    "driver": "580.65.06",
    "gpus": ["RTX 5090"],
    "project": {"folder": "/home/you", "files": {"pyproject.toml": "a" * 64, "uv.lock": "c" * 64}},
    "assumed": [],
    "identity": "sha256:0",
}
CARRIED: dict[str, Any] = {
    "status": "ready",
    "problem": None,
    "option": {"rank": 1, "approach": "pip", "torch": "2.9.1", "build": "cu128"},
    "transaction": TRANSACTION,
}


def document() -> dict[str, Any]:
    told: dict[str, Any] = {
        "schema_version": 2,
        "kind": plan_file.KIND,
        "torchsmith": "0.1.0",
        "created": "2026-11-21T22:00:00Z",
        "asked": question.document(ASKED),
        "rests_on": RESTS_ON,
        "plan": {"options": []},
        "carried_out": CARRIED,
    }
    copy: dict[str, Any] = json.loads(json.dumps(told))
    return {**copy, "hash": plan_file.digest(copy)}


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in inside for path in paths(item, (*here, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A document with something else in one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


def test_a_question_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(document()))
    kept = plan_file.read(str(file))
    assert (kept.asked, kept.rests_on, kept.carried_out) == (ASKED, RESTS_ON, CARRIED)
    stale.refuse_a_changed(kept, RESTS_ON, CARRIED)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(paths(document())), new=JSON, rehashed=st.booleans())
def test_anything_in_any_place_is_read_or_refused(tmp_path: Path, path: tuple[Any, ...], new: Any, rehashed: bool) -> None:
    told = put(document(), path, new)
    if rehashed and isinstance(told, dict):
        told["hash"] = plan_file.digest(told)
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(told))
    codes, kept = set[int](), None
    try:
        kept = plan_file.read(str(file))
        stale.refuse_a_changed(kept, RESTS_ON, CARRIED)
    except TorchsmithError as error:
        codes.add(error.exit_code)
    assert codes <= {2}
    if codes or kept is None:
        return
    # What is let through asks another question at most, or differs in what is not carried out.
    same = json.loads(json.dumps(CARRIED))
    found = json.loads(json.dumps(kept.carried_out))
    for estimate in stale.ESTIMATES:
        same["transaction"].pop(estimate, None)
        found["transaction"].pop(estimate, None)
    assert (kept.rests_on, found) == (RESTS_ON, same)


CHANGES = [
    (("rests_on", "environment", "prefix"), "/other", "the environment is /home/you/.venv, it was /other"),
    (("rests_on", "environment", "manager"), "uv", "it is changed by pip, it was uv"),
    (("rests_on", "environment"), None, "there is an environment now, /home/you/.venv"),
    (("rests_on", "torch"), None, "torch is 2.8.0, it was not installed"),
    (("rests_on", "driver"), "570.1", "the driver is 580.65.06, it was 570.1"),
    (("rests_on", "gpus"), [], "the GPUs are RTX 5090, it was nothing"),
    (("rests_on", "project", "files", "uv.lock"), "d" * 64, "uv.lock has changed"),
    (("rests_on", "project", "folder"), "/other", "the project is /home/you, it was /other"),
    (("carried_out", "option", "torch"), "2.9.0", "the option is now torch 2.9.1+cu128 by pip, it was torch 2.9.0+cu128"),
    (("carried_out", "transaction", "actions", 0, "before"), "e" * 64, "/home/you/.venv has changed"),
    (("carried_out", "transaction", "actions", 1, "after"), "e" * 64, "what is done to /home/you/pyproject.toml differs"),
    (("carried_out", "transaction", "actions", 2, "argv"), ["true"], "the commands differ"),
    (("carried_out", "transaction", "title"), "x", "somebody altered it"),
    (("carried_out", "status"), "nothing", "it is now ready"),
]


@pytest.mark.parametrize(("path", "was", "said"), CHANGES, ids=[said for _, _, said in CHANGES])
def test_what_has_changed_is_named(path: tuple[Any, ...], was: Any, said: str, tmp_path: Path) -> None:
    told = put(document(), path, was)
    told["hash"] = plan_file.digest(told)
    (tmp_path / "plan.json").write_text(json.dumps(told))
    kept = plan_file.read(str(tmp_path / "plan.json"))
    with pytest.raises(StaleError) as refused:
        stale.refuse_a_changed(kept, RESTS_ON, CARRIED)
    assert said in str(refused.value)


def test_an_environment_that_is_gone_is_told_once() -> None:
    kept = plan_file.Kept("plan.json", ASKED, "0.1.0", RESTS_ON, CARRIED)
    with pytest.raises(StaleError) as refused:
        stale.refuse_a_changed(kept, {**RESTS_ON, "environment": None}, CARRIED)
    assert "carried out: the environment /home/you/.venv is gone, or its Python does not start. Write" in str(refused.value)


@pytest.mark.parametrize("plan", [None, [], {}, {"options": None}])
def test_the_plan_that_a_person_reads_has_to_be_there(plan: Any, tmp_path: Path) -> None:
    told = {**document(), "plan": plan}
    (tmp_path / "plan.json").write_text(json.dumps({**told, "hash": plan_file.digest(told)}))
    with pytest.raises(StaleError):
        plan_file.read(str(tmp_path / "plan.json"))


@pytest.mark.parametrize("name", sorted(stale.ESTIMATES))
def test_an_estimate_may_differ(name: str) -> None:
    kept = plan_file.Kept("plan.json", ASKED, "0.1.0", RESTS_ON, {**CARRIED, "transaction": {**TRANSACTION, name: ["other"]}})
    stale.refuse_a_changed(kept, RESTS_ON, CARRIED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("goal", "fastest"),
        ("goal", None),
        ("need", "whisperx"),
        ("need", [1]),
        ("offline", 1),
        ("offline", "yes"),
        ("option", True),
        ("option", -1),
        ("option", 10**9),
        ("option", 1.0),
        ("more", "x"),
        ("python", "x" * 100_000),
        ("python", "/home/you\0/python"),
        ("need", ["x" * 5000]),
    ],
)
def test_what_is_no_question_is_refused(name: str, value: Any) -> None:
    with pytest.raises(UsageError):
        question.from_document({**question.document(ASKED), name: value})
