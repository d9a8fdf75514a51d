"""What pip is configured to, told to uv at the moment of a run; what uv has no word for stays pip's to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from torchsmith.act import tools


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip's own file, and nothing else that anybody configured."""
    for name in tuple(os.environ):
        if name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "HOME", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    return tmp_path / "pip.conf"


def test_indexes_proxy_and_certificates(file: Path) -> None:
    file.write_text(
        "[global]\nindex-url = https://me:secret@mirror.example/simple\nextra-index-url =\n  https://two.example/simple\n"
        "proxy = proxy.example:3128\ncert = /etc/ca.pem\ntrusted-host = mirror.example\n  two.example\ntimeout = 60\n"
    )
    told = tools.settings_for_uv()
    assert told["UV_DEFAULT_INDEX"] == "https://me:secret@mirror.example/simple"
    assert told["UV_INDEX"] == "https://two.example/simple"
    assert told["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert told["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert told["SSL_CERT_FILE"] == "/etc/ca.pem"
    assert told["UV_INSECURE_HOST"] == "mirror.example two.example"
    assert told["UV_HTTP_TIMEOUT"] == "60"
    assert tools.pip_alone() == ""


def test_a_run_says_whose_settings_it_takes_and_what_it_says_itself_counts_more(file: Path) -> None:
    file.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    environ = tools.environment(TORCHSMITH_SETTINGS_OF="pip", UV_INDEX="https://torch.example/whl/cu129")
    assert environ["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environ["UV_INDEX"] == "https://torch.example/whl/cu129"
    assert tools.SETTINGS_OF not in environ
    assert "UV_DEFAULT_INDEX" not in tools.environment()
    with pytest.raises(ValueError, match="SETTINGS_OF"):
        tools.environment(TORCHSMITH_SETTINGS_OF="npm")


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        ("[install]\nno-binary = numpy\n", "`no-binary`"),
        ("[global]\npre = yes\ntarget = /elsewhere\n", "`pre`, `target`"),
        ("[global]\nquiet = 1\nno-cache-dir = false\n", ""),
        ("", ""),
    ],
)
def test_what_uv_has_no_word_for(file: Path, said: str, alone: str) -> None:
    file.write_text(said)
    assert tools.pip_alone() == alone


def test_a_variable_of_pip_counts_as_its_file_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")
    assert tools.pip_alone() == "`require-hashes`"
