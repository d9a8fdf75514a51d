from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchsmith.host.local import LocalHost
from torchsmith.host.recorder import RecordingHost
from torchsmith.host.redact import Identity, Redactor
from torchsmith.host.replay import ReplayHost, request_key

ADA = Identity(user="ada", home="/home/ada", host="analytical-engine.example.edu")
CASES = {
    "/home/ada/.venv/bin/python": "/home/user/.venv/bin/python",
    "/home/adam/.venv": "/home/user/.venv",
    "/home/charles/engine": "/home/user/engine",
    r"C:\Users\Ada Lovelace\x": r"C:\Users\user Lovelace\x",
    "https://ada:secret@index.example/simple": "https://***@index.example/simple",
    "https://token@index.example/simple": "https://***@index.example/simple",
    "https://index.example/simple?token=abc&x=1": "https://index.example/simple?token=***&x=1",
    "export HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz": "export HF_TOKEN=***",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789": "***",
    "analytical-engine kernel: NVRM": "host kernel: NVRM",
    "analytical-engine.example.edu": "host",
    "    Serial Number                   : 1563221044412": "    Serial Number                   : ***",
    "canada": "canada",
    "GeForce RTX 5070 Ti": "GeForce RTX 5070 Ti",
    "torch==2.14.1+cu126 --index-url https://download.pytorch.org/whl/cu126": "torch==2.14.1+cu126 --index-url https://download.pytorch.org/whl/cu126",
}


@pytest.mark.parametrize("text", CASES)
def test_text(text: str) -> None:
    assert Redactor(ADA).text(text) == CASES[text]


def test_a_uuid_stays_the_same_uuid() -> None:
    redactor = Redactor(ADA)
    first, second = "GPU-1c9bd3c2-7f54-1d4e-a3f0-3b0a3c2f1d11", "GPU-2c9bd3c2-7f54-1d4e-a3f0-3b0a3c2f1d11"
    shown = redactor.text(f"{first} {second} {first.upper()}").split()
    assert shown[0].lower() == shown[2].lower()
    assert shown[0] != shown[1]
    assert "1c9bd3c2" not in " ".join(shown).lower()


@pytest.mark.parametrize("user", ["root", "user", "ubuntu", "x"])
def test_a_common_user_name_is_no_word_to_hide(user: str) -> None:
    assert Redactor(Identity(user=user, home="", host="")).text(f"{user} of trust") == f"{user} of trust"


def test_root_has_a_home_too() -> None:
    assert Redactor(Identity("root", "/root", "")).text("/root/.venv /rooted") == "/home/user/.venv /rooted"


@given(st.text())
def test_redacting_twice_changes_nothing(text: str) -> None:
    redactor = Redactor(ADA)
    once = redactor.text(text)
    assert redactor.text(once) == once or "-" in once


def test_what_is_declared_secret_is_not_recorded() -> None:
    recording = RecordingHost(LocalHost(environ={"API_KEY": "very secret", "INDEX": "https://a:b@c.example/"}))
    recording.variable("API_KEY", "secret")
    recording.variable("INDEX", "url")
    evidence = recording.evidence(Redactor(ADA))
    assert "very secret" not in str(evidence)
    assert "a:b@" not in str(evidence)
    replayed = ReplayHost(evidence)
    assert replayed.variable("INDEX", "url").value == "https://***@c.example/"  # type: ignore[union-attr]
    assert request_key("variable", ("API_KEY", "secret")) in evidence
