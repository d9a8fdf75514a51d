"""Indexes and wheels that are broken, lie or attack, met by the real uv and pip in a run: a clear error, and all is as before."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.act import bad_indexes as bad
from tests.lab.package_server import Package, Request, serving
from tests.managers.applied import Home, home, option

from torchsmith.act import transaction as engine
from torchsmith.act.store import Store
from torchsmith.act.verify import verify
from torchsmith.act.watch import Silent
from torchsmith.model.record import replace
from torchsmith.model.transaction import Expected

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An environment with another torch, whose state no case may change."""
    folder = tmp_path_factory.mktemp("there")
    made = home(folder, "-", by="pip")
    wheel = folder / "torch-2.7.0+cu126-py3-none-any.whl"
    wheel.write_bytes(bad.wheel(version="2.7.0+cu126"))
    subprocess.run((made.python, "-m", "pip", "install", "-q", "--no-index", wheel), check=True, capture_output=True)
    return made


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in tuple(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    patient = {"UV_HTTP_TIMEOUT": "3", "UV_HTTP_RETRIES": "0", "PIP_TIMEOUT": "3", "PIP_RETRIES": "1", "PIP_RESUME_RETRIES": "0"}
    for name, value in (
        {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(tmp_path / "cache")} | patient
    ).items():
        monkeypatch.setenv(name, value)


def installed(there: Home, url: str, tool: str, tmp_path: Path) -> tuple[str, int, str]:
    """The status, exit code and problem of a run that would install the torch of this index."""
    tools = (("uv", "0"),) if tool == "uv" else ()
    place = there.place("pip", "2.7.0+cu126", tools=tools, packages=None)
    transaction = there.made(option("pip", "cu128", url, vision=""), place)
    before = there.state()
    outcome = engine.carry_out(transaction, Store(tmp_path / "state"), verify, Silent())
    assert there.state() == before
    assert there.installed() == {"torch": "2.7.0+cu126"}
    assert not [*there.folder.glob(".torchsmith*/**/run-*")]
    return outcome.status, outcome.exit_code, outcome.problem


CASES: dict[str, tuple[Callable[[], bad.Index], int, str, str]] = {
    "hash": (bad.wrong_hash, 5, "not the one that the index promises", "not the one that the index promises"),
    "truncated": (bad.truncated, 5, "no sound wheel", "no sound wheel"),
    "cut at 99 %": (bad.cut, 75, "Failed to fetch|error decoding|end of file|unexpected", "not enough bytes|promises|Connection"),
    "climbs out": (bad.climbing, 5, "no sound wheel", "no sound wheel"),
    "writes through a link": (bad.linked, 5, "no sound wheel", "no sound wheel"),
    "another package": (bad.another, 5, "does not match given name", "inconsistent name"),
    "another version": (bad.another_version, 5, "does not match filename|no sound wheel", "inconsistent version"),
    "a portal for a page": (bad.page_of_html, 5, "no version of torch", "has nothing of that name, or did not answer"),
    "a portal for a file": (bad.file_of_html, 5, "no sound wheel|promises", "promises"),
    "absent": (bad.absent, 5, "not found in the package registry", "has nothing of that name"),
    "another build": (bad.another_build, 5, "no version of torch==2.8.0+cu128", "from versions: 2.8.0+cu129"),
    "another Python": (bad.another_python, 5, "no wheels with a matching Python", "Could not find a version"),
    "the server fails": (bad.failing, 75, "503 Service Unavailable", ""),
    "forbidden": (bad.forbidden, 5, "wants to know who asks", ""),
    "slow": (bad.slow, 75, "network timeout|Failed to fetch|UV_HTTP_TIMEOUT", "Read timed out|not enough bytes"),
    "down": (bad.down, 75, "Connection refused", "Connection refused"),
    "redirected to nowhere": (bad.redirected, 75, "Failed to fetch|error sending request", "nowhere.invalid|not known|resolve"),
    "needs what nobody has": (bad.needing, 5, "nothing-has-this", "nothing-has-this"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_uv_meets_it(there: Home, tmp_path: Path, case: tuple[Callable[[], bad.Index], int, str, str]) -> None:
    make, code, said, _ = case
    with make() as url:
        status, exit_code, problem = installed(there, url, "uv", tmp_path)
    assert (status, exit_code) == ("failed", code), problem
    assert any(part in problem for part in said.split("|")), problem


OF_PIP = {name: case for name, case in CASES.items() if case[3]}


@pytest.mark.parametrize("case", OF_PIP.values(), ids=OF_PIP.keys())
def test_pip_meets_it(there: Home, tmp_path: Path, case: tuple[Callable[[], bad.Index], int, str, str]) -> None:
    make, code, _, said = case
    with make() as url:
        status, exit_code, problem = installed(there, url, "pip", tmp_path)
    assert status == "failed", problem
    assert exit_code == code or "promises" in problem  # the pip of Python 3.11 takes a file that was cut for a changed one
    assert any(part in problem for part in said.split("|")), problem


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_an_entry_with_an_absolute_path_writes_nothing_there(there: Home, tmp_path: Path, tool: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with bad.absolute(outside) as url:
        status, code, problem = installed(there, url, tool, tmp_path)
    assert (status, code) == ("failed", 5), problem
    assert not list(outside.iterdir())


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_zip_bomb_is_larger_than_it_should_be(there: Home, tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchsmith.act.verify._SPARE", 10**8)
    tools = (("uv", "0"),) if tool == "uv" else ()
    before = there.state()
    with bad.bomb() as url:
        made = there.made(option("pip", "cu128", url, vision=""), there.place("pip", "2.7.0+cu126", tools=tools, packages=None))
        outcome = engine.carry_out(replace(made, disk_bytes=10**6), Store(tmp_path / "state"), verify, Silent())
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert "536 MB on disk, where about 1 MB are known of it" in outcome.problem
    assert there.state() == before


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_proxy_that_wants_a_password(there: Home, tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def trap(request: Request) -> bool:
        request.answer(407, b"who are you?")
        return True

    with serving(trap=trap) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.address)
        monkeypatch.setenv("PIP_TRUSTED_HOST", "index.invalid")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        status, code, problem = installed(there, "http://index.invalid/simple", tool, tmp_path)
    assert status == "failed"
    assert code in ({75} if tool == "uv" else {5, 75}), problem
    assert proxy.asked, problem


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_certificate_that_nobody_vouches_for(there: Home, tmp_path: Path, tool: str) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not here")
    with bad.intercepted(tmp_path) as url:
        status, code, problem = installed(there, url, tool, tmp_path)
    assert (status, code) == ("failed", 75), problem
    assert "certificate" in problem.lower() or "UnknownIssuer" in problem or "SSL" in problem


def test_an_installer_that_says_it_is_done_and_did_nothing(there: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification decides, not the exit status."""
    liar = tmp_path / "bin" / "poetry"
    liar.parent.mkdir()
    liar.write_text("#!/bin/sh\necho Successfully installed torch-2.8.0+cu128\n")
    liar.chmod(0o755)
    monkeypatch.setenv("PATH", f"{liar.parent}:{os.environ['PATH']}")
    place = there.place("pip", "2.7.0+cu126", packages=None)
    made = there.made(option("pip", "cu128", None, vision=""), place)
    lying = replace(made, runs=(replace(made.runs[0], argv=("poetry", "install")),))
    before = there.state()
    outcome = engine.carry_out(lying, Store(tmp_path / "state"), verify, Silent())
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert "torch 2.8.0+cu128 is recorded once: torch 2.7.0+cu126" in outcome.problem
    assert there.state() == before


def test_a_torch_that_imports_and_cannot_count_is_not_put_in_place(there: Home, tmp_path: Path) -> None:
    with serving(Package(bad.FILE, bad.wheel({"torch/__init__.py": f"__version__ = {bad.VERSION!r}\n"}))) as server:
        status, code, problem = installed(there, server.index, "uv", tmp_path)
    assert (status, code) == ("failed", 5)
    assert "matrix product on the CPU is exact" in problem


def test_a_gpu_that_torch_does_not_see_stops_the_change(there: Home, tmp_path: Path) -> None:
    with serving(Package(bad.FILE, bad.wheel())) as server:
        made = there.made(option("pip", "cu128", server.index, vision=""), there.place("pip", "2.7.0+cu126", packages=None))
        before = there.state()
        wanted = replace(made, expected=Expected(bad.VERSION, gpu=True))
        outcome = engine.carry_out(wanted, Store(tmp_path / "state"), verify, Silent())
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert "torch sees the GPU: torch finds none" in outcome.problem
    assert there.state() == before
