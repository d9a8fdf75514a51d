"""A trial builds a real environment, verifies and measures it, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from tests.act.options import candidate, option
from tests.lab.environments import Environment
from tests.managers import index

from torchsmith.act import tools
from torchsmith.act import trial as act
from torchsmith.app import asked, plan, trial
from torchsmith.host.local import LocalHost
from torchsmith.model.choice import Option, Pin, Requirement, Score, Wishes
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.record import replace
from torchsmith.model.trial import Preview, Trial
from torchsmith.report import trial_json, trial_text

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
CPU = "2.13.0"
URL = "https://download.pytorch.org/whl"
SCHEMA = json.loads(Path(trial_json.__file__).with_name("schema").joinpath("trial-1.schema.json").read_text())


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trials are built, for this test alone."""
    folder = tmp_path / "room"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("indexes")
    index.write(root)
    with index.served(root) as url:
        yield url


NOTHING = Wishes()


def tried(own: Option, present: Environment, *, yes: bool = True, wishes: Wishes = NOTHING) -> tuple[Trial, list[Preview]]:
    host, assumed = asked.evidence(LocalHost(wait=20), None, str(present.python), ())
    situation, _ = plan.look(host, assumed, wishes)
    shown: list[Preview] = []

    def agreed(preview: Preview) -> bool:
        shown.append(preview)
        return yes

    return trial.tried(own, situation, agreed), shown


def state(environment: Environment) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in environment.prefix.rglob("*")}


@pytest.mark.online
@pytest.mark.slow
def test_a_real_torch_is_built_verified_and_measured_beside_the_present_one(cpu_environment: Environment, room: Path) -> None:
    before = state(cpu_environment)
    report, shown = tried(option(candidate(CPU, "cpu", HERE), "cpu"), cpu_environment)
    if report.status == "not-built":
        pytest.skip(f"no CPU build of torch {CPU} is to be had: {report.problem}")
    assert (report.status, report.problem) == ("works", "")
    assert [check.name for check in report.checks if check.passed] == [
        "import torch",
        "version and build",
        "matrix product on the CPU is exact",
    ]
    assert report.present
    assert report.candidate
    for measured in (report.present, report.candidate):
        assert measured.torch == f"{CPU}+cpu"
        assert measured.build == "cpu"
        assert not measured.error
        assert measured.import_seconds
        assert measured.cpu_gflops
        assert measured.cpu_copy_gbs
        assert measured.gpu_gflops is None
    assert report.bytes_on_disk
    assert report.bytes_on_disk > 100_000_000
    assert shown[0].requirements == (f"torch=={CPU}",)
    assert state(cpu_environment) == before
    assert not list(room.iterdir())
    text = trial_text.render(report)
    assert "The candidate works." in text
    assert "GFLOP/s" in text
    document = json.loads(trial_json.render(report))
    jsonschema.validate(document, SCHEMA)
    assert (document["schema_version"], document["status"], document["plan"]["build"]) == (1, "works", "cpu")


@pytest.mark.slow
def test_a_torch_that_cannot_count_fails_the_trial(served: str, empty_environment: Environment, room: Path) -> None:
    """The wheel installs and imports, and has no matrices."""
    own = option(candidate("2.8.0", "cpu", HERE), "uv", f"{served}/hollow", (("torchvision", "0.23.0"),))
    report, _ = tried(own, empty_environment)
    assert report.status == "fails"
    passed = {check.name: check.passed for check in report.checks}
    assert passed["import torchvision"]
    assert not passed["matrix product on the CPU is exact"]
    assert report.candidate
    assert report.candidate.torch == "2.8.0+cpu"
    assert report.present is None
    assert "does not work as planned" in trial_text.render(report)
    assert not list(room.iterdir())


def test_only_the_family_of_torch_bears_the_label_and_no_pseudo_package_is_installed() -> None:
    pins = (Pin("xformers", "0.0.35", f"{URL}/cu126"), Pin("bitsandbytes", "0.50.2"), Pin("numpy", "1.26.4"))
    own = option(candidate("2.8.0", "cu126", HERE), "uv", f"{URL}/cu126", (("torchvision", "0.23.0"),))
    own = replace(own, packages=(*own.packages, *pins, Pin("flash-attn", "2.8.3")))
    keeps = (Requirement("cudnn", "==9", "--keep"), Requirement("tqdm", "", "--keep"), Requirement("rich", "", "--keep"))
    wishes = Wishes(needs=(Requirement("cuda", "==12.6", "--need"), Requirement("numpy", "<2", "--need")), keeps=keeps)
    assert trial.requirements(own, wishes, Packages((Package("tqdm", "4.67.1", "/e"),))) == (
        ("torch==2.8.0+cu126", "torchvision==0.23.0+cu126", "xformers==0.0.35"),
        ("bitsandbytes==0.50.2", "numpy==1.26.4", "tqdm==4.67.1", "rich"),
        ("flash-attn==2.8.3",),
    )


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_what_the_index_of_the_build_has_not_comes_from_the_configured_one(
    served: str, empty_environment: Environment, monkeypatch: pytest.MonkeyPatch, installer: str, tmp_path: Path
) -> None:
    """The index of CPU builds serves an older NumPy and no accelerate."""
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", f"{served}/pypi")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{served}/pypi")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    own = option(candidate("2.8.0", "cpu", HERE), "uv", f"{served}/cpu", (("torchvision", "0.23.0"),))
    wanted, rest = ("torch==2.8.0+cpu", "torchvision==0.23.0+cpu"), ("numpy==2.4.0", "accelerate==1.1")
    tool = tools.find("uv") if installer == "uv" else tools.pip_of(sys.executable)
    assert tool
    with act.folder() as made:
        built = act.build(made, tool, sys.executable, own, wanted, rest)
        assert built.problem == ""
        names = {path.name for path in made.rglob("*.dist-info")}
        assert {"torch-2.8.0+cpu.dist-info", "numpy-2.4.0.dist-info", "accelerate-1.1.dist-info"} <= names


@pytest.mark.slow
def test_what_cannot_be_built_says_why_and_leaves_nothing(served: str, empty_environment: Environment, room: Path) -> None:
    report, _ = tried(option(candidate("2.9.0", "cpu", HERE), "uv", f"{served}/cpu"), empty_environment)
    assert report.status == "not-built"
    assert "2.9.0" in report.problem
    assert report.candidate is None
    assert not list(room.iterdir())


def test_nothing_is_built_without_consent(empty_environment: Environment, room: Path) -> None:
    report, shown = tried(option(candidate(CPU, "cpu", HERE), "cpu"), empty_environment, yes=False)
    assert report.status == "declined"
    assert len(shown) == 1
    said = trial_text.preview(shown[0])
    assert f"torch {CPU}+cpu" in said
    assert str(room) in said
    document = json.loads(trial_json.render(report))
    jsonschema.validate(document, SCHEMA)
    assert document["candidate"] is None


def test_nothing_is_built_where_there_is_no_room(empty_environment: Environment, room: Path) -> None:
    own = replace(option(candidate(CPU, "cpu", HERE), "cpu"), scores=(Score("disk_bytes", 10**18, 0.0, 1.0),))
    report, shown = tried(own, empty_environment)
    assert (report.status, shown) == ("unable", [])
    assert "1000000000.0 GB" in report.problem
    assert str(room) in report.problem


def test_another_machine_is_not_built_for() -> None:
    host, assumed = asked.evidence(LocalHost(), None, None, ["gpu=RTX 4090", "driver=580.65", "os=windows"])
    with pytest.raises(UsageError, match="this machine"):
        trial.trial(host, assumed, Wishes(), lambda _: pytest.fail("it must not get so far"))


def test_offline_builds_nothing() -> None:
    with pytest.raises(UsageError, match="--offline"):
        trial.trial(LocalHost(), {}, Wishes(offline=True), lambda _: pytest.fail("it must not get so far"))


def test_what_is_installed_is_not_tried(cpu_environment: Environment) -> None:
    host, assumed = asked.evidence(LocalHost(wait=20), None, str(cpu_environment.python), ())
    report = trial.trial(host, assumed, Wishes(torch=f"=={CPU}"), lambda _: pytest.fail("there is nothing to agree to"))
    assert report.status == "nothing-to-try"
    assert CPU in report.problem


# ---- however it ends


HELD = """
    import sys, time
    from torchsmith.act import trial, tools
    from torchsmith.model.errors import TorchsmithError
    try:
        with trial.folder() as made:
            (made / "half").write_text("built")
            print(made, flush=True)
            tools.run([sys.executable, "-c", "import time; time.sleep(600)"], 600, tools.environment(), made)
    except TorchsmithError as error:
        print(error, flush=True)
        sys.exit(error.exit_code)
"""


def held() -> tuple[subprocess.Popen[str], Path]:
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(HELD)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    made = Path(child.stdout.readline().strip())
    assert (made / "half").is_file()
    time.sleep(0.3)  # until the installer runs
    return child, made


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_trial_that_is_told_to_end_removes_its_folder(number: signal.Signals) -> None:
    child, made = held()
    child.send_signal(number)
    said, _ = child.communicate(timeout=30)
    assert child.returncode == 1
    assert number.name in said
    assert not made.exists()


def test_an_interrupted_trial_removes_its_folder() -> None:
    child, made = held()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode
    assert not made.exists()


def test_what_a_killed_trial_left_goes_with_the_next_one_and_a_running_one_stays(room: Path) -> None:
    killed, left = held()
    running, alive = held()
    killed.kill()
    killed.communicate(timeout=30)
    assert left.exists()
    with act.folder() as made:
        assert not left.exists()
        assert alive.exists()
        assert made.parent == room
    running.terminate()
    running.communicate(timeout=30)
    assert not list(room.iterdir())


def test_only_folders_of_trials_are_swept(room: Path) -> None:
    others = [room / "torchsmith-trial-mine", room / "else"]
    for other in others:
        other.mkdir()
    (room / "torchsmith-trial-file").write_text("")
    (room / "torchsmith-trial-link").symlink_to(room / "else")
    with act.folder():
        pass
    assert all(other.exists() for other in others), "without a lock of ours it is somebody else's"
    assert (room / "torchsmith-trial-link").is_symlink()


def test_hostile_answers_of_an_environment_are_data() -> None:
    """What an environment prints is anybody's: numbers are checked, words are shown safely."""
    own = option(candidate(CPU, "cpu", HERE), "cpu")
    found = {"torch": "2.13.0+cpu\x1b[31m", "cpu_gflops": "many", "import_seconds": -1, "threads": True, "exact_cpu": {"a": 1}}
    report = Trial("fails", Preview(own, ("torch",), "/x", "uv", None, None), 1.0, 5, (), None, trial.numbers(found), "x\x1b]0;")
    assert report.candidate
    assert report.candidate.cpu_gflops is None
    assert report.candidate.import_seconds is None
    assert report.candidate.threads is None
    assert "\x1b" not in trial_text.render(report)
