"""``torchsmith apply``, ``undo``, ``history`` and ``resume`` as they are called, on a real environment and a local index."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.managers import index
from torchsmith.act import clone, locks, store
from torchsmith.app import plan_file
from torchsmith.cli import run
from torchsmith.model.transaction import Environment, Transaction
from torchsmith.model.transaction import Run as Command

SCHEMAS = resources.files("torchsmith.report").joinpath("schema")
GPU = ("--assume", "gpu=RTX 5070 Ti", "--assume", "driver=580.65.06")
WANTED = (*GPU, "--torch", "2.14.1")
UV = str(Path(sys.executable).with_name("uv"))


def schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMAS.joinpath(f"{name}.schema.json").read_text()))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Everything that the package index has, and torch 2.14 of CUDA 13.0 in which `check` finds nothing amiss."""
    root = tmp_path_factory.mktemp("index")
    index.write(root)
    for version in ("2.14.0", "2.14.1"):
        index.whole(root / "pypi", version, f"0.29.{version[-1]}", "13.0")
    index.pages(root)
    (root / "empty").mkdir()
    with index.served(root) as url:
        yield url


@dataclass
class Bench:
    """A folder with an environment in it that has torch 2.14.0, and how `torchsmith` answers there."""

    folder: Path
    index: str
    capsys: pytest.CaptureFixture[str]

    @property
    def prefix(self) -> Path:
        return self.folder / "app" / ".venv"

    @property
    def python(self) -> str:
        return str(self.prefix / "bin" / "python")

    @property
    def env(self) -> tuple[str, str]:
        return ("--python", str(self.prefix))

    def ask(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        code = run(words)
        out, err = self.capsys.readouterr()
        return code, out, err

    def torch(self) -> str:
        asked = (self.python, "-c", "import torch; print(torch.__version__)")
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    def state(self) -> str:
        """The environment, and every other file of the project's folder but torchsmith's own."""
        rest = sorted(path for path in self.prefix.parent.rglob("*") if path.is_file())
        rest = [path for path in rest if not {".venv", ".torchsmith"} & set(path.parts)]
        told = [(str(path), path.stat().st_mtime_ns, sha256(path.read_bytes()).hexdigest()) for path in rest]
        return f"{clone.fingerprint(self.prefix)} {told}"


@pytest.fixture
def bench(packages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    made = Bench(tmp_path, packages, capsys)
    made.prefix.parent.mkdir()
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "CONDA", "VIRTUAL_ENV", "PYTHONPATH", "SUDO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    cache = str(tmp_path.parent / "uv-cache")
    own = {
        "UV_CACHE_DIR": cache,
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "UV_DEFAULT_INDEX": f"{packages}/pypi",
    }
    for name, value in {**own, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    for words in (
        ("venv", "--quiet", "--python", sys.executable, str(made.prefix)),
        ("pip", "install", "--quiet", "--compile-bytecode", "--python", made.python, "torch==2.14.0", "torchvision"),
    ):
        subprocess.run((UV, *words), check=True)
    return made


def test_a_change_is_shown_made_verified_and_taken_back(bench: Bench) -> None:
    before = bench.state()
    code, out, err = bench.ask("apply", "--yes", *bench.env, *WANTED)
    assert (code, bench.torch()) == (0, "2.14.1"), out + err
    assert "torch==2.14.1 torchvision==0.29.1" in out
    assert "To take it back: torchsmith undo 1" in out
    assert re.findall(r"^(\d+)\. ", err, re.MULTILINE) == [str(number) for number in range(1, len(err.splitlines()) + 1)]
    after = bench.state()
    # F I01: the second time there is nothing to do, and nothing is touched.
    code, out, err = bench.ask("apply", "--yes", *bench.env, *WANTED)
    assert (code, out.splitlines()[0], err) == (0, "Nothing to do", "")
    assert bench.state() == after
    code, out, _ = bench.ask("undo")
    assert (code, bench.torch(), bench.state()) == (0, "2.14.0", before)
    assert out.startswith("Taken back")
    assert bench.ask("undo")[0] == 2
    # What was taken back can be done again by taking that back.
    assert bench.ask("undo", "2")[0] == 0
    assert bench.torch() == "2.14.1"


@pytest.mark.parametrize("words", [("--dry-run",), ("--dry-run", "--yes"), ("--dry-run", "--json"), (), ("--json",)])
def test_without_consent_nothing_changes_and_nothing_is_remembered(bench: Bench, words: tuple[str, ...]) -> None:
    before = bench.state()
    code, out, _ = bench.ask("apply", *words, *bench.env, *WANTED)
    assert (code, bench.state()) == (0, before)
    assert not (bench.folder / "state").exists()
    if "--json" in words:
        told = json.loads(out)
        schema("apply-1").validate(told)
        assert (told["status"], told["run"]) == ("declined", None)
    else:
        assert "Nothing was changed" in out
        assert ("--yes carries it out" in out) == ("--dry-run" not in words)


def test_documents_keep_their_schemas(bench: Bench) -> None:
    code, out, _ = bench.ask("apply", "--yes", "--json", *bench.env, *WANTED)
    done = json.loads(out)
    schema("apply-1").validate(done)
    schema("transaction-1").validate(done["transaction"])
    assert (code, done["status"], done["run"], done["undo"]) == (0, "done", 1, ["torchsmith", "undo", "1"])
    assert [change["path"] for change in done["changed"]] == [str(bench.prefix)]
    past = json.loads(bench.ask("history", "--json")[1])
    schema("history-1").validate(past)
    assert [(each["number"], each["state"]) for each in past["runs"]] == [(1, "done")]
    assert past["runs"][0]["bytes"] is not None
    would = json.loads(bench.ask("undo", "--dry-run", "--json")[1])
    schema("history-1").validate(would)
    assert bench.torch() == "2.14.1"
    undone = json.loads(bench.ask("undo", "--json")[1])
    schema("apply-1").validate(undone)
    assert (undone["status"], undone["verb"], len(undone["runs"])) == ("undone", "undo", 1)
    schema("apply-1").validate(json.loads(bench.ask("resume", "--json")[1]))
    schema("apply-1").validate(json.loads(bench.ask("undo", "--json")[1]))


def test_the_schemas_agree_on_what_a_transaction_is() -> None:
    whole = [
        json.loads(SCHEMAS.joinpath(f"{name}.schema.json").read_text())["$defs"]
        for name in ("transaction-1", "apply-1", "plan-1")
    ]
    assert all(defs[name] == whole[0][name] for defs in whole for name in ("transaction", "action"))


# ---- a torch for GPUs where no GPU is to be seen

without_gpu = pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="a GPU is to be seen")


@without_gpu
def test_a_cuda_build_is_not_given_up_because_no_gpu_is_to_be_seen(bench: Bench) -> None:
    before = bench.state()
    code, out, err = bench.ask("apply", "--yes", *bench.env)
    assert (code, out.splitlines()[0], err) == (0, "Nothing to do", "")
    said = " ".join(out.split())
    assert "torch 2.14.0+cu130 is whole, and computes on the CPU here: no GPU is to be seen" in said
    words = re.findall("`torchsmith (.*)`", said)[0].split()
    told = json.loads(bench.ask("apply", "--yes", "--json", *bench.env)[1])
    schema("apply-1").validate(told)
    assert (told["status"], told["exit_code"], told["transaction"], bench.state()) == ("nothing", 0, None, before)
    # The words that it names do it, and say what they do.
    code, out, _ = bench.ask(*words, "--dry-run")
    assert (code, "torch==2.14.0+cpu" in out) == (0, True)
    assert "this takes CUDA away: torch 2.14.0+cu130 gives way to a CPU build" in " ".join(out.split())


@without_gpu
def test_a_plan_file_does_not_give_it_up_either(bench: Bench) -> None:
    file = bench.folder / "plan.json"
    assert bench.ask("plan", "--write", str(file), *bench.env)[0] == 0
    document = json.loads(file.read_text())
    schema("plan-1").validate(document)
    assert (document["carried_out"]["status"], document["carried_out"]["transaction"]) == ("nothing", None)
    code, out, err = bench.ask("apply", str(file), "--yes")
    assert (code, out.splitlines()[0], bench.torch()) == (0, "Nothing to do", "2.14.0"), out + err


@without_gpu
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--torch", "2.14.1"), 2),
        (("--goal", "inference"), 2),
        (("--goal", "clean-install"), 2),
        (("--approach", "pip"), 2),
        (("--keep", "numpy"), 0),
        (("--torch", "2.14.1+cpu"), None),
        (("--torch", "+cpu"), None),
        (("--torch", "2.14.1", "--assume", "gpu=none"), None),
        (("--option", "1"), None),
        (("--approach", "cpu"), None),
        (("--goal", "update-others"), None),
    ],
    ids=str,
)
def test_who_wants_the_cpu_build_says_so(bench: Bench, words: tuple[str, ...], code: int | None) -> None:
    ended, out, err = bench.ask("apply", "--dry-run", *bench.env, *words)
    assert (ended, "this was a dry run" in out) == (code or 0, code is None), out + err
    if code == 2:
        assert "and CUDA be gone" in " ".join(out.split())


def test_a_file_that_sends_the_installer_elsewhere_is_named_and_nothing_is_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(bench.folder / "conf"))
    (bench.folder / "conf" / "uv").mkdir(parents=True)
    (bench.folder / "conf" / "uv" / "uv.toml").write_text(f'[pip]\ntarget = "{bench.folder}/foreign"\n')
    before = bench.state()
    code, out, err = bench.ask("apply", "--yes", *bench.env, *WANTED)
    assert (code, bench.state()) == (2, before), out + err
    assert "sends uv into another place than this environment" in " ".join(out.split())
    assert not (bench.folder / "foreign").exists()


# ---- plan files


def kept(bench: Bench, *more: str) -> Path:
    file = bench.folder / "plan.json"
    code, _, err = bench.ask("plan", "--write", str(file), *bench.env, *WANTED, *more)
    assert code == 0, err
    return file


def test_a_plan_that_was_kept_is_carried_out(bench: Bench) -> None:
    file = kept(bench)
    document = json.loads(file.read_text())
    schema("plan-1").validate(document)
    assert document["carried_out"]["status"] == "ready"
    assert bench.ask("apply", str(file))[0] == 0
    assert bench.torch() == "2.14.0"
    code, out, err = bench.ask("apply", str(file), "--yes")
    assert (code, bench.torch()) == (0, "2.14.1"), out + err
    code, out, err = bench.ask("apply", str(file), "--yes")
    assert code == 2
    assert "torch is 2.14.1+cu130, it was 2.14.0+cu130" in err


def test_a_plan_is_stale_when_something_has_changed(bench: Bench) -> None:
    (bench.folder / "requirements.txt").write_text("torch>=2.9\n")
    file = kept(bench)
    (bench.folder / "requirements.txt").write_text("torch>=2.8\n")
    code, _, err = bench.ask("apply", str(file), "--yes")
    assert (code, "requirements.txt has changed" in err) == (2, True)
    (bench.folder / "requirements.txt").write_text("torch>=2.9\n")
    (bench.prefix / "bin" / "extra").write_text("an installer was here\n")
    code, _, err = bench.ask("apply", str(file), "--yes")
    assert (code, f"{bench.prefix} has changed" in err) == (2, True)
    (bench.prefix / "bin" / "extra").unlink()
    assert bench.torch() == "2.14.0"


def _another_path(told: dict[str, Any]) -> None:
    told["carried_out"]["transaction"]["environment"]["prefix"] = "/usr"


def _a_shell_string(told: dict[str, Any]) -> None:
    told["carried_out"]["transaction"]["actions"][1]["argv"] = "uv pip install torch; rm -rf ~"


def _other_words(told: dict[str, Any]) -> None:
    told["carried_out"]["transaction"]["actions"][1]["argv"] += ["--extra-index-url", "http://example.invalid"]


def _an_unknown_action(told: dict[str, Any]) -> None:
    told["carried_out"]["transaction"]["actions"].append({"type": "exec", "argv": ["true"], "inverse": ""})


def _an_edit(told: dict[str, Any]) -> None:
    edit = {
        "type": "edit-file",
        "path": "/etc/profile",
        "before": None,
        "after": "0" * 64,
        "mode": "0644",
        "diff": ["+x"],
        "why": "",
    }
    told["carried_out"]["transaction"]["actions"].append({**edit, "inverse": ""})


def _another_option(told: dict[str, Any]) -> None:
    told["carried_out"]["option"]["torch"] = "2.13.0"


def _no_actions(told: dict[str, Any]) -> None:
    told["carried_out"]["transaction"]["actions"] = []


def _another_wish(told: dict[str, Any]) -> None:
    told["asked"]["torch"] = "2.14.0"


def _a_fact(told: dict[str, Any]) -> None:
    told["rests_on"]["driver"] = "1.0"


ALTERED = (
    _another_path,
    _a_shell_string,
    _other_words,
    _an_unknown_action,
    _an_edit,
    _another_option,
    _no_actions,
    _another_wish,
    _a_fact,
)


@pytest.mark.parametrize("with_its_hash", [False, True], ids=["as edited", "with a new hash"])
def test_an_altered_plan_is_refused(bench: Bench, with_its_hash: bool) -> None:
    file, before = kept(bench), bench.state()
    whole = file.read_text()
    for alter in ALTERED:
        told = json.loads(whole)
        alter(told)
        if with_its_hash:
            told["hash"] = plan_file.digest(told)
        file.write_text(json.dumps(told))
        code, out, err = bench.ask("apply", str(file), "--yes")
        assert (code, out, len(err.splitlines())) == (2, "", 1), (alter.__name__, out, err)
        assert err.startswith("error: ")
    file.unlink()
    assert bench.state() == before
    assert not (bench.folder / "state").exists()


NO_PLANS: dict[str, Callable[[str], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda whole: whole.encode()[:-20],
    "no text": lambda _: b"\xff\xfe\x00{}",
    "a list": lambda _: b"[]",
    "another kind": lambda whole: whole.replace("torchsmith-plan", "torchsmith-bundle").encode(),
    "another version": lambda whole: whole.replace('"schema_version": 2', '"schema_version": 3').encode(),
    "an older version": lambda whole: whole.replace('"schema_version": 2', '"schema_version": 1').encode(),
    "a name twice": lambda whole: whole.replace('"kind":', '"hash": "x", "hash": "y", "kind":').encode(),
    "one part more": lambda whole: whole.replace('"kind":', '"run": ["true"], "kind":', 1).encode(),
    "no number": lambda whole: whole.replace('"schema_version": 2', '"schema_version": NaN').encode(),
    "deep": lambda _: b"[" * 100_000,
    "deep in a text": lambda whole: whole.replace('"kind": "', '"kind": "' + "[" * 10_000).encode(),
    "huge": lambda whole: whole.encode() + b" " * (plan_file.LONGEST + 1),
    "a terminal's words": lambda whole: whole.replace("torchsmith-plan", "\\u001b[2Jx").encode(),
}


def test_what_is_no_plan_is_one_clear_line(bench: Bench) -> None:
    file = kept(bench)
    whole = file.read_text()
    for name, made in NO_PLANS.items():
        file.write_bytes(made(whole))
        code, out, err = bench.ask("apply", str(file), "--yes")
        assert (code, out, len(err.splitlines())) == (2, "", 1), (name, out, err)
        assert "\x1b" not in err
    for path in (str(bench.folder), str(bench.folder / "nothing"), "/dev/null"):
        assert bench.ask("apply", path, "--yes")[0] == 2
    assert bench.torch() == "2.14.0"


def test_a_plan_for_another_machine_is_not_carried_out_here(bench: Bench) -> None:
    file = bench.folder / "plan.json"
    assert bench.ask("plan", "--write", str(file), *GPU, "--assume", "os=windows", "--assume", "python=3.13")[0] == 0
    assert json.loads(file.read_text())["carried_out"]["status"] == "elsewhere"
    code, _, err = bench.ask("apply", str(file), "--yes")
    assert (code, "another machine" in err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--assume", "os=windows"),
        ("--assume", "arch=aarch64"),
        ("--assume", "torch=2.9.0+cu128"),
        ("--assume", "python=3.13"),
        ("--assume", "glibc=2.17"),
        ("--option", "999"),
        ("--approach", "no-such"),
        ("--option", "1", "--approach", "docker"),
        ("--torch", "newest"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_line(bench: Bench, words: tuple[str, ...]) -> None:
    code, out, err = bench.ask("apply", "--yes", *bench.env, *GPU, *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1), out + err
    assert bench.torch() == "2.14.0"


def test_this_very_system_may_be_named(bench: Bench) -> None:
    code, out, _ = bench.ask("apply", "--dry-run", *bench.env, *WANTED, "--assume", "os=linux")
    assert (code, "torch==2.14.1" in out) == (0, True)


@pytest.mark.parametrize("words", [("--goal", "training"), ("--torch", "2.14.1"), ("--option", "2"), ("--no-admin",), GPU])
def test_wishes_beside_a_plan_file_are_refused(bench: Bench, words: tuple[str, ...]) -> None:
    code, _, err = bench.ask("apply", "plan.json", *words)
    assert (code, "which the plan file holds" in err) == (2, True)


# ---- what is refused


def test_an_environment_that_must_not_be_changed_is_refused_with_its_commands(bench: Bench) -> None:
    """E05: conda's base, told by its condabin; the same path as EXTERNALLY-MANAGED."""
    (bench.prefix / "conda-meta").mkdir()
    (bench.prefix / "conda-meta" / "history").touch()
    (bench.prefix / "condabin").mkdir()
    before = bench.state()
    code, out, _ = bench.ask("apply", "--yes", *bench.env, *WANTED)
    assert code == 2, out
    assert "must not be changed: this is conda's base environment" in " ".join(out.split())
    assert "By you: torchsmith never runs these" in out
    assert bench.state() == before
    told = json.loads(bench.ask("apply", "--yes", "--json", *bench.env, *WANTED)[1])
    schema("apply-1").validate(told)
    assert (told["status"], told["exit_code"]) == ("refused", 2)


SYSTEM = Path("/usr/bin/python3")
MANAGED = [*Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")]


@pytest.mark.skipif(not SYSTEM.exists() or not MANAGED, reason="this system does not mark its Python")
def test_beside_the_systems_python_a_new_environment_is_made(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """E05: it is refused where it is named; where it is only found, its own environment is made and taken back."""
    code, out, _ = bench.ask("apply", "--yes", "--python", str(SYSTEM), *WANTED)
    assert (code, "EXTERNALLY-MANAGED" in out) == (2, True)
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.chdir(bench.folder / "app")
    bench.prefix.rename(bench.folder / "elsewhere")
    code, out, err = bench.ask("apply", "--yes", *WANTED)
    assert code == 0, out + err
    assert "Makes a new environment" in out
    assert "source .venv/bin/activate" in out
    assert bench.torch() == "2.14.1"
    assert bench.ask("undo")[0] == 0
    assert not bench.prefix.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change what is another's")
def test_root_leaves_another_users_environment_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """P01."""
    file = kept(bench)
    os.chown(bench.prefix, 12345, 12345)
    before = bench.state()
    # Nor is an interpreter of somebody else's run because a plan file names it.
    code, out, err = bench.ask("apply", str(file), "--yes")
    assert (code, "belongs to" in " ".join((out + err).split())) == (2, True), out + err
    code, out, _ = bench.ask("apply", "--yes", *bench.env, *WANTED)
    assert (code, "--allow-root" in out, bench.state()) == (2, True, before)
    assert bench.ask("apply", "--dry-run", "--allow-root", *bench.env, *WANTED)[0] == 0
    os.chown(bench.prefix, 0, 0)
    assert bench.ask("apply", "--dry-run", *bench.env, *WANTED)[0] == 0


def test_who_uses_the_environment_is_told(bench: Bench) -> None:
    """C03. What this process started itself does not count: so the program is left without its parent."""
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(120)"
    script = f"import subprocess; subprocess.Popen([{bench.python!r}, '-c', {code!r}])"
    with subprocess.Popen((sys.executable, "-c", script), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        try:
            parent.wait()
            status, out, _ = bench.ask("apply", "--dry-run", *bench.env, *WANTED)
        finally:
            os.kill(pid, signal.SIGKILL)
    assert (status, f"in use by pid {pid} python" in out) == (0, True), out


def test_what_no_torch_cures_is_shown_and_not_done(bench: Bench) -> None:
    """A driver that is too old, and a variable that hides the GPU: the commands, and where the variable is set."""
    before = bench.state()
    old = ("--assume", "gpu=RTX 5070 Ti", "--assume", "driver=470.42.01")
    code, out, _ = bench.ask("apply", "--yes", *bench.env, *old)
    assert (code, bench.state()) == (1, before)
    said = " ".join(out.split())
    assert "A way out: driver >= 570.26" in said
    assert "By you: torchsmith never runs these Update the NVIDIA driver" in said
    (bench.folder / ".bashrc").write_text("# mine\nexport CUDA_VISIBLE_DEVICES=\n")
    hidden = (*GPU, "--assume", "variable=CUDA_VISIBLE_DEVICES=", "--torch", "2.14.0", "--keep", "torchvision==0.29.0")
    code, out, _ = bench.ask("apply", "--yes", *bench.env, *hidden)
    assert (code, bench.state()) == (1, before), out
    said = " ".join(out.split())
    assert "unset CUDA_VISIBLE_DEVICES" in said
    assert f"CUDA_VISIBLE_DEVICES is set in {bench.folder}/.bashrc, line 2" in said
    told = json.loads(bench.ask("apply", "--yes", "--json", *bench.env, *hidden)[1])
    schema("apply-1").validate(told)
    assert (told["exit_code"], next(shown["argv"] for shown in told["remedies"])) == (1, ["unset", "CUDA_VISIBLE_DEVICES"])


def test_a_project_file_that_cannot_be_read_is_named_and_left_alone(bench: Bench) -> None:
    """T03."""
    file = bench.folder / "pyproject.toml"
    file.write_text('[project]\nname = "x"\ndependencies = ["torch"\n[tool.uv]\n')
    before = file.stat().st_mtime_ns
    code, out, err = bench.ask("apply", "--yes", *bench.env, *WANTED)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "line 4, column 1" in err
    assert file.stat().st_mtime_ns == before


def test_a_failing_installer_leaves_everything_as_it_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bench.state()
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{bench.index}/empty")
    code, out, _ = bench.ask("apply", "--yes", *bench.env, *WANTED)
    assert code == 5, out
    assert "everything is as it was before" in out
    assert bench.state() == before
    assert "failed, nothing changed" in bench.ask("history")[1]


def test_a_run_beside_another_is_held_back(bench: Bench) -> None:
    lock = locks.of_environment(bench.prefix) / "lock"
    locks.own_folder(lock.parent)
    with locks.held((lock,)):
        assert bench.ask("apply", "--yes", *bench.env, *WANTED)[0] == 73
        told = json.loads(bench.ask("apply", "--yes", "--json", *bench.env, *WANTED)[1])
        assert (told["status"], told["exit_code"]) == ("refused", 73)
    assert bench.torch() == "2.14.0"


def test_a_project_file_that_is_a_link_is_refused_before_anything_is_begun(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    app = bench.prefix.parent
    monkeypatch.chdir(app)
    (app / "real.toml").write_text('[project]\nname = "app"\nversion = "1"\ndependencies = ["torch>=2.14"]\n')
    (app / "pyproject.toml").symlink_to("real.toml")
    words = (*WANTED, "--approach", "uv-project")
    code, out, _ = bench.ask("apply", "--yes", *words)
    said = " ".join(out.split())
    assert code == 2, out
    assert f"`{app}/pyproject.toml` is a symbolic link to `{app}/real.toml`: put the file itself in its place" in said
    assert not (app / ".torchsmith" / ".venv").exists()
    (app / "pyproject.toml").unlink()
    (app / "real.toml").rename(app / "pyproject.toml")
    assert bench.ask("apply", "--dry-run", *words)[0] == 0


def test_an_environment_that_only_path_leads_to_is_not_changed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = bench.folder / "tools"
    subprocess.run((UV, "venv", "--quiet", "--python", sys.executable, str(tools)), check=True)
    monkeypatch.setenv("PATH", f"{tools}/bin{os.pathsep}{os.environ['PATH']}")
    (bench.folder / "requirements.txt").write_text("torch\n")
    code, out, _ = bench.ask("apply", "--yes", *WANTED)
    assert code == 2, out
    assert f"{tools} is only what python3 on PATH leads to: neither active nor of this folder" in " ".join(out.split())
    code, out, _ = bench.ask("apply", "--dry-run", "--python", str(tools), *WANTED)
    assert (code, f"Changes the environment {tools}" in " ".join(out.split())) == (0, True)
    # One with torch in it is meant, and it is said how it was found.
    monkeypatch.setenv("PATH", f"{bench.prefix}/bin{os.pathsep}{os.environ['PATH']}")
    code, out, _ = bench.ask("apply", "--dry-run", *WANTED)
    assert (code, f"{bench.prefix} is only what python3 on PATH leads to" in " ".join(out.split())) == (0, True)


BARE = Path(sys.base_prefix, "bin", "python3")


@pytest.mark.skipif(not BARE.exists() or bool(MANAGED and sys.base_prefix == "/usr"), reason="the system's own Python is marked")
def test_beside_a_python_without_an_environment_a_new_one_is_made(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as pyenv's, which this user may write to."""
    monkeypatch.setenv("PATH", f"{BARE.parent}{os.pathsep}{Path(UV).parent}{os.pathsep}{os.defpath}")
    code, out, err = bench.ask("apply", "--dry-run", *WANTED)
    assert (code, f"Makes a new environment, {bench.folder}/.venv" in " ".join(out.split())) == (0, True), out + err
    code, out, _ = bench.ask("apply", "--dry-run", "--python", str(BARE), *WANTED)
    assert (code, "-m pip install" in out) == (2, False), out


@pytest.mark.parametrize("name", ["no-such", "empty", "empty/python"])
def test_an_environment_that_is_not_there_is_not_passed_over(bench: Bench, name: str) -> None:
    (bench.folder / "empty").mkdir()
    code, out, err = bench.ask("apply", "--yes", "--python", str(bench.folder / name), *WANTED)
    assert (code, out, len(err.splitlines()), name in err) == (2, "", 1, True), out + err
    assert not (bench.folder / ".venv").exists()


def test_undo_without_a_number_takes_back_what_was_changed_here(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.ask("apply", "--yes", *bench.env, *WANTED)[0] == 0
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for words in (("undo",), ("undo", "--dry-run")):
        code, out, err = bench.ask(*words)
        assert (code, out, f"changed {bench.prefix}: `torchsmith undo 1`" in err) == (2, "", True)
    assert bench.torch() == "2.14.1"
    monkeypatch.setenv("VIRTUAL_ENV", str(bench.prefix))
    assert bench.ask("undo")[0] == 0
    assert bench.torch() == "2.14.0"


# ---- runs that were cut


def cut(bench: Bench) -> None:
    """A run that was begun and never came to its end."""
    place = Environment(str(bench.prefix), bench.python)
    begun = Transaction(
        "torch \x1b[31m2.14.1", place, runs=(Command(("uv", "--version"), ""),), fingerprint=clone.fingerprint(bench.prefix)
    )
    store.opened().begin(begun)


def test_any_verb_says_that_a_run_was_cut(bench: Bench) -> None:
    assert bench.ask("rule", "no-fault")[2] == ""
    cut(bench)
    code, _, err = bench.ask("rule", "no-fault")
    assert code == 0
    said = " ".join(err.split())
    assert "run 1 (torch \\x1b[31m2.14.1) was cut before anything was changed: all is as it was" in said
    assert "torchsmith resume --discard" in said
    assert all(len(line) <= 80 for line in err.splitlines())
    assert "cut before anything changed" in bench.ask("history")[1]
    told = json.loads(bench.ask("resume", "--discard", "--json")[1])
    schema("apply-1").validate(told)
    assert [each["status"] for each in told["runs"]] == ["discarded"]
    assert bench.ask("rule", "no-fault")[2] == ""
    assert bench.ask("resume") == (0, "Nothing to do\n  no run was cut\n", "")


# ---- a person at the terminal


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
@pytest.mark.parametrize(
    ("keys", "code", "said"),
    [(b"\x03", 130, "\ninterrupted: nothing was changed\n"), (b"\x04", 0, "\nnothing was changed\n"), (b"7x\nq\n", 0, "")],
    ids=["Ctrl-C", "Ctrl-D", "q"],
)
def test_a_person_who_leaves_is_told_that_nothing_was_changed(bench: Bench, keys: bytes, code: int, said: str) -> None:
    import pty

    ours, theirs = pty.openpty()
    words = (sys.executable, "-m", "torchsmith", "apply", *bench.env, *WANTED)
    # The terminal is theirs: Ctrl-C is a signal.
    own = "import os, sys, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        (sys.executable, "-c", own, *words), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    out = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # its end
            break
        if not part:
            break
        out += part
        if keys and out.endswith(b"to leave: "):
            os.write(ours, keys)
            keys = b""
    os.close(ours)
    assert process.wait() == code
    lines = out.decode().replace("\r\n", "\n").replace("^C", "").replace("^D\x08\x08", "")
    assert lines.endswith(said or "nothing was changed\n"), lines
    assert bench.torch() == "2.14.0"


# ---- history


def test_a_run_that_changed_nothing_is_told_so(bench: Bench) -> None:
    code, out, err = bench.ask("apply", "--goal", "update-others", "--yes", *bench.env)
    assert (code, out.count("Nothing to do (run 1)")) == (0, 1), out + err
    told = bench.ask("history")[1].splitlines()
    assert told[0].endswith(", nothing to do"), told


def test_how_many_are_kept_is_a_number(bench: Bench) -> None:
    for words, wanted in (
        (("--prune", "0"), "how many former environments stay"),
        (("--fail-on", "note"), "unrecognized arguments"),
    ):
        with pytest.raises(SystemExit) as end:
            run(("history", *words))
        err = bench.capsys.readouterr().err
        assert (end.value.code, wanted in err, "--fail-on" in err.partition("error:")[0]) == (2, True, False), err


def test_the_last_former_environments_are_kept(bench: Bench) -> None:
    """R04 at the command line: the last one that worked always stays."""
    for version in ("2.14.1", "2.14.0", "2.14.1", "2.14.0"):
        done = bench.ask("apply", "--yes", *bench.env, *GPU, "--torch", version, "--keep", f"torchvision==0.29.{version[-1]}")
        assert done[0] == 0, done
    past = json.loads(bench.ask("history", "--json")[1])["runs"]
    assert [each["bytes"] is not None for each in past] == [True] * 4
    pruned = json.loads(bench.ask("history", "--prune", "1", "--json")[1])
    schema("history-1").validate(pruned)
    assert pruned["pruned"] == [1, 2, 3]
    assert json.loads(bench.ask("history", "--prune", "1", "--json")[1])["pruned"] == []
    assert bench.ask("undo", "3")[0] == 2
    assert bench.ask("undo")[0] == 0
    assert bench.torch() == "2.14.1"


@pytest.mark.parametrize("words", [("undo", "0"), ("undo", "x"), ("undo", "99"), ("undo",), ("history", "--prune", "0")])
def test_there_is_nothing_to_take_back(bench: Bench, words: tuple[str, ...]) -> None:
    try:
        code = run(words)
    except SystemExit as end:
        code = int(str(end.code))
    out, err = bench.capsys.readouterr()
    assert (code, out) == (2, "")
    assert err


@pytest.mark.parametrize("columns", ["80", "40"])
def test_pages_keep_to_the_width(bench: Bench, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    pages = [bench.ask("apply", "--yes", *bench.env, *WANTED)[1], bench.ask("history")[1], bench.ask("undo")[1]]
    for line in "".join(pages).splitlines():
        # Commands and single long words, such as paths, are never broken.
        assert len(line) <= int(columns) or line.startswith("    ") or " " not in line.strip(), line
