"""Disk, mirrors, and what can be had without the network."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.choose.test_project import asked, candidate

from torchsmith import cli
from torchsmith.app import supply as supplies
from torchsmith.choose import catalogue, decide
from torchsmith.choose.constraints import supply
from torchsmith.choose.situation import Situation
from torchsmith.host.local import LocalHost
from torchsmith.host.replay import ReplayHost
from torchsmith.knowledge import install_sizes
from torchsmith.model.choice import Reason, Risk, Wishes
from torchsmith.model.facts.install import Index, Indexes, LocalWheel, LocalWheels
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.facts.system import Room
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace

GB = 10**9


def here(wishes: Wishes | None = None, torch: Torch | None = None, **facts: object) -> Situation:
    found = asked(PastedProject(), wishes=wishes)
    others = {**found.others, **{name: Known(value, "test") for name, value in facts.items()}}
    return replace(found, others=others, torch=torch)


def test_a_measured_size_is_the_tables() -> None:
    assert install_sizes.download("2.14.1", "cu130", "cuda", "linux-x86_64") == (3618268693, True)
    assert install_sizes.unpacked("2.14.1", "cu130", "cuda", "linux-x86_64") == (5443113962, True)


def test_an_estimate_says_so_and_grows_with_what_is_downloaded() -> None:
    for build in catalogue.candidates("linux-x86_64"):
        fetched = install_sizes.download(build.torch, build.build, build.kind, build.platform)
        room = install_sizes.unpacked(build.torch, build.build, build.kind, build.platform)
        if build.kind in {"cpu", "cuda"}:
            assert fetched is not None
            assert room is not None
            assert fetched[0] < room[0] < 6 * fetched[0]
            assert not room[1] or fetched[1] or build.kind == "cpu"
    estimate = install_sizes.download("2.14.1", "cu126", "cuda", "linux-x86_64")
    assert estimate is not None
    assert not estimate[1]
    assert install_sizes.download("2.9.1", "xpu", "xpu", "windows") is None


def test_a_windows_build_carries_its_cuda() -> None:
    cuda, cpu = (install_sizes.download("2.14.0", build, kind, "windows") for build, kind in (("cu126", "cuda"), ("cpu", "cpu")))
    assert cuda is not None
    assert cpu is not None
    assert cuda[0] > 15 * cpu[0]


@pytest.mark.parametrize(
    ("free", "temp", "answer"),
    [
        (100, 100, ""),
        (4.0, 100, "it takes 5.5 GB, and /e has 4.0 GB free"),
        (7.0, 7.0, "with its download it takes 9.1 GB, and /e has 7.0 GB free"),
        (7.0, 1.0, "it downloads 3.7 GB, and /tmp has 1.0 GB free: set TMPDIR to a larger place"),
        (7.0, None, ""),
        (None, None, ""),
    ],
)
def test_room_on_the_disk(free: float | None, temp: float | None, answer: str) -> None:
    room = Room("/e", None if free is None else int(free * GB), "/tmp", None if temp is None else int(temp * GB))
    found = supply.disk.judge(candidate("2.14.1", "cu130"), here(room=room))
    assert (found.because if isinstance(found, Reason) else found.text if found else "") == answer
    if isinstance(found, Reason):
        assert found.unless == "free 1.5 GB on /e"


def test_an_estimate_rejects_only_what_it_is_far_from() -> None:
    tight, full = (here(room=Room("/e", int(free * GB), "/x", 100 * GB)) for free in (5.0, 3.0))
    assert supply.disk.judge(candidate("2.14.1", "cu126"), tight) is None
    found = supply.disk.judge(candidate("2.14.1", "cu126"), full)
    assert isinstance(found, Reason)
    assert "about" in found.because


def test_the_torch_that_gives_way_leaves_its_room() -> None:
    room = Room("/e", 2 * GB, "/x", 100 * GB)
    have = _torch("2.13.0", "cu130")
    assert supply.disk.judge(candidate("2.14.1", "cu130"), here(torch=have, room=room)) is None
    assert isinstance(supply.disk.judge(candidate("2.14.1", "cu130", "3.11"), here(torch=have, room=room)), Reason)
    same = here(torch=_torch("2.14.1", "cu130"), room=Room("/e", 0, "/x", 0))
    assert supply.disk.judge(candidate("2.14.1", "cu130"), same) is None


def _torch(version: str, build: str) -> Torch:
    from torchsmith.app import assume

    found = assume.facts([f"torch={version}+{build}", "os=linux"])["torch"]
    assert isinstance(found, Known)
    assert isinstance(found.value, Torch)
    return found.value


MIRROR = Index("https://mirror.example.com/t0ken/simple", "index", "pip.conf")


@pytest.mark.parametrize(
    ("entries", "default", "told"),
    [
        ((MIRROR,), False, True),
        ((MIRROR,), True, False),
        ((), False, False),
        ((Index("https://download.pytorch.org/whl/cu128", "index", "PIP_INDEX_URL"),), False, False),
        ((MIRROR, Index("https://mirror.example.com/pytorch/cu128", "extra", "pip.conf")), False, False),
        ((Index("https://more.example.com/simple", "extra", "pip.conf"),), False, False),
    ],
)
def test_a_mirror_may_have_no_pytorch_beside_it(entries: tuple[Index, ...], default: bool, told: bool) -> None:
    found = supply.index.judge(candidate(default=default), here(indexes=Indexes(entries)))
    assert isinstance(found, Risk) == told
    if isinstance(found, Risk):
        assert "mirror.example.com here" in found.text
        assert "t0ken" not in found.text


OFFLINE = Wishes(offline=True)
WHEEL = LocalWheel("torch", "2.9.1+cu128", ("cp312", "cp312", "manylinux_2_28_x86_64"), "/wheels")


@pytest.mark.parametrize(
    ("wheel", "asked_for", "served"),
    [
        (WHEEL, candidate(), True),
        (WHEEL, candidate(python="3.13"), False),
        (WHEEL, candidate(build="cu130"), False),
        (WHEEL, candidate("2.9.0"), False),
        (replace(WHEEL, version="2.9.1"), candidate(), False),
        (replace(WHEEL, version="2.9.1"), candidate(default=True), True),
        (replace(WHEEL, tags=("cp312", "cp312", "win_amd64")), candidate(), False),
        (replace(WHEEL, tags=("cp312", "cp312", "manylinux_2_28_aarch64")), candidate(), False),
        (replace(WHEEL, tags=("cp314", "cp314t", "manylinux_2_28_x86_64")), candidate(python="3.14t"), True),
        (replace(WHEEL, tags=("cp314", "cp314t", "manylinux_2_28_x86_64")), candidate(python="3.14"), False),
        (replace(WHEEL, package="torchvision"), candidate(), False),
    ],
)
def test_without_the_network_a_wheel_that_lies_here_serves(wheel: LocalWheel, asked_for: object, served: bool) -> None:
    found = supply.offline.judge(asked_for, here(OFFLINE, local_wheels=LocalWheels((wheel,))))
    assert isinstance(found, Risk) == served
    if isinstance(found, Risk):
        assert found.text.startswith("the wheel is in /wheels;")


def test_without_the_network_and_nothing_here_only_what_is_installed_stays() -> None:
    have = _torch("2.9.1", "cu128")
    choice = decide.decide(here(OFFLINE, torch=have, local_wheels=LocalWheels(())), every=True)
    assert {(option.candidate.version, option.candidate.python) for option in choice.options} == {("2.9.1+cu128", "3.12")}
    told = {reason.because for rejected in choice.rejected for reason in rejected.reasons if reason.constraint == "offline"}
    assert any(because.startswith("no wheel of torch 2.") for because in told)
    assert any(because.startswith("no package of torch 2.") for because in told)


def test_the_cache_of_uv_serves_uv_alone() -> None:
    cached = replace(WHEEL, cache="uv", place="/home/user/.cache/uv")
    choice = decide.decide(here(OFFLINE, local_wheels=LocalWheels((cached,))), every=True)
    assert {(option.approach.name, option.candidate.version) for option in choice.options} <= {
        ("uv", "2.9.1+cu128"),
        ("uv-project", "2.9.1+cu128"),
    }
    assert any("uv's cache" in risk for option in choice.options for risk in option.risks)
    both = decide.decide(here(OFFLINE, local_wheels=LocalWheels((cached, WHEEL))))
    assert {"pip", "uv"} <= {option.approach.name for option in both.options}


def test_wheels_are_found_in_folders_local_indexes_and_uvs_cache(tmp_path: Path) -> None:
    folder, index, cache = tmp_path / "wheels", tmp_path / "index", tmp_path / "cache"
    for path in (folder, index / "torch", cache / "wheels-v8" / "pypi" / "torch", cache / "wheels-v8" / "index" / "ab" / "torch"):
        path.mkdir(parents=True)
    for name in (
        "torch-2.9.1+cu128-cp312-cp312-linux_x86_64.whl",
        "torch-2.9.1-cp312-cp312-\x1b.whl",
        "numpy-2.0-cp312-cp312-x.whl",
    ):
        (folder / name).touch()
    (index / "torch" / "torch-2.8.0%2Bcpu-cp312-cp312-win_amd64.whl").touch()
    for name in ("2.14.1-cp311-cp311-manylinux_2_28_x86_64", "2.14.1-cp311-cp311-manylinux_2_28_x86_64.http"):
        (cache / "wheels-v8" / "pypi" / "torch" / name).touch()
    (cache / "wheels-v8" / "index" / "ab" / "torch" / "2.9.1+cu130-cp312-cp312-manylinux_2_28_x86_64").touch()
    host = LocalHost(environ={"UV_CACHE_DIR": str(cache), "HOME": str(tmp_path)})
    told = Indexes((Index(str(folder), "links", "PIP_FIND_LINKS"), Index(f"file://{index}", "index", "pip.conf")))
    found = supplies.of(host, {"indexes": Known(told, "test")}, OFFLINE)["local_wheels"]
    assert isinstance(found, Known)
    assert {(wheel.version, wheel.tags[2], wheel.cache) for wheel in found.value.wheels} == {
        ("2.9.1+cu128", "linux_x86_64", ""),
        ("2.8.0+cpu", "win_amd64", ""),
        ("2.14.1", "manylinux_2_28_x86_64", "uv"),
        ("2.9.1+cu130", "manylinux_2_28_x86_64", "uv"),
    }


def test_with_the_network_no_folder_is_looked_at() -> None:
    assert supplies.of(LocalHost(), {}, Wishes()) == {}


def test_offline_with_nothing_at_hand_is_said_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = LocalHost(environ={"HOME": str(tmp_path), "PATH": ""}, cwd=str(tmp_path))
    assert (
        cli.run(["plan", "--offline", "--python", sys.executable, "--assume", "gpu=RTX 4090", "--assume", "driver=580.65"], host)
        == 1
    )
    assert "without --offline" in capsys.readouterr().out


def test_where_nobody_could_look_nothing_is_rejected() -> None:
    for looked in (Unknown("not that machine"), LocalWheels((), ("/mnt/wheels",), ("/mnt/wheels",))):
        asked_for = here(OFFLINE) if isinstance(looked, Unknown) else here(OFFLINE, local_wheels=looked)
        if isinstance(looked, Unknown):
            asked_for = replace(asked_for, others={**asked_for.others, "local_wheels": looked})
        for one in (candidate(), replace(candidate(), channel="conda-forge")):
            found = supply.offline.judge(one, asked_for)
            assert isinstance(found, Risk), looked
            assert "not known" in found.text
            assert ("/mnt/wheels" in found.text) == isinstance(looked, LocalWheels)


def test_a_machine_that_is_not_here_has_what_is_assumed_of_it() -> None:
    found = supplies.of(ReplayHost({}, reason="not that machine"), {}, OFFLINE)["local_wheels"]
    assert isinstance(found, Known)
    assert found.value == LocalWheels(())
    assert "assumed" in found.source


def test_a_folder_of_an_assumed_machine_cannot_be_looked_into() -> None:
    told = Indexes((Index("/srv/wheels", "links", "PIP_FIND_LINKS"),))
    found = supplies.of(ReplayHost({}, reason="not that machine"), {"indexes": Known(told, "test")}, OFFLINE)["local_wheels"]
    assert isinstance(found, Known)
    assert found.value == LocalWheels((), ("/srv/wheels",), ("/srv/wheels",))
    answer = supply.offline.judge(candidate(), here(OFFLINE, local_wheels=found.value))
    assert isinstance(answer, Risk)
    assert "/srv/wheels could not be looked into" in answer.text


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    host = LocalHost(environ={"HOME": str(tmp_path)})
    told = Indexes((Index(str(tmp_path / "gone"), "links", "PIP_FIND_LINKS"),))
    found = supplies.of(host, {"indexes": Known(told, "test")}, OFFLINE)["local_wheels"]
    assert isinstance(found, Known)
    assert found.value.unseen == (str(tmp_path / "gone"),)


def test_the_cache_of_conda_serves_conda(tmp_path: Path) -> None:
    cache = tmp_path / "miniforge3" / "pkgs"
    cache.mkdir(parents=True)
    (cache / "pytorch-2.9.1-cuda129_mkl_py312_h1234567_300.conda").touch()
    found = supplies.of(LocalHost(environ={"HOME": str(tmp_path)}), {}, OFFLINE)["local_wheels"]
    assert isinstance(found, Known)
    conda = replace(candidate(build="cu129"), channel="conda-forge")
    asked_for = here(OFFLINE, local_wheels=found.value)
    assert isinstance(supply.offline.judge(conda, asked_for), Risk)
    assert isinstance(supply.offline.judge(replace(conda, python="3.13"), asked_for), Reason)
    assert isinstance(supply.offline.judge(replace(conda, torch="2.9.0"), asked_for), Reason)
    assert isinstance(supply.offline.judge(candidate(build="cu129"), asked_for), Reason)  # no wheel


def test_what_is_only_installed_is_not_offered_to_projects_of_their_own() -> None:
    have = _torch("2.9.1", "cu128")
    choice = decide.decide(here(OFFLINE, torch=have, local_wheels=LocalWheels(())), every=True)
    assert {option.approach.name for option in choice.options} == {"pip", "uv"}
    folder = decide.decide(here(OFFLINE, torch=have, local_wheels=LocalWheels((WHEEL,))), every=True)
    assert {"pip", "uv", "uv-project"} <= {option.approach.name for option in folder.options}


def test_what_conda_installed_is_not_what_pip_would() -> None:
    have = here(OFFLINE, torch=_torch("2.9.1", "cu128"), local_wheels=LocalWheels(()))
    by_conda = replace(have, packages=Packages((), conda=(Package("pytorch", "2.9.1", "conda"),)))
    conda = replace(candidate(), channel="conda-forge")
    assert supply.installed(candidate(), have)
    assert not supply.installed(conda, have)
    assert supply.installed(conda, by_conda)
    assert not supply.installed(candidate(), by_conda)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///my%20wheels", "/my wheels"),
        ("file://server/share", "//server/share"),
        ("file:///C:/wheels", "C:/wheels"),
        ("/opt/wheels", "/opt/wheels"),
        ("https://example.com/simple", ""),
    ],
)
def test_the_folder_behind_an_address(url: str, folder: str) -> None:
    host = LocalHost()
    told = Indexes((Index(url, "links", "PIP_FIND_LINKS"),))
    found = supplies.of(host, {"indexes": Known(told, "test")}, OFFLINE)["local_wheels"]
    assert isinstance(found, Known)
    assert found.value.places == ((folder,) if folder else ())
