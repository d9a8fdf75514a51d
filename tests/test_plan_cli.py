"""``torchsmith plan`` and ``why-not`` as they are called: documents that keep their schema, exit codes, the kept plan."""

from __future__ import annotations

import json
import stat
from functools import cache
from hashlib import sha256
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from torchsmith.app import machines, plan_file, project
from torchsmith.cli import run
from torchsmith.host.local import LocalHost
from torchsmith.model.choice import GOALS, Choice, Reason, Rejected, Wishes
from torchsmith.model.errors import UsageError
from torchsmith.report import choice_words

if TYPE_CHECKING:
    from torchsmith.model.known import Fact

SCHEMAS = resources.files("torchsmith.report").joinpath("schema")
PLAN = jsonschema.Draft202012Validator(json.loads(SCHEMAS.joinpath("plan-1.schema.json").read_text()))
WHY_NOT = jsonschema.Draft202012Validator(json.loads(SCHEMAS.joinpath("why-not-1.schema.json").read_text()))
SEED = ("--assume", "gpu=RTX 5070 Ti", "--assume", "driver=581.57", "--assume", "os=windows", "--assume", "python=3.13")
HOPELESS = ("--assume", "gpu=RTX 5090", "--assume", "driver=470.42.01", "--assume", "os=linux", "--assume", "python=3.12")
NO_GPU = ("--assume", "gpu=none", "--assume", "os=linux", "--assume", "python=3.12")
NEWEST = ("--assume", "gpu=RTX 5090", "--assume", "driver=580.65.06", "--assume", "os=linux", "--assume", "python=3.12")
KEPT = ("--assume", "gpu=RTX 4090", "--assume", "driver=580.65.06", "--assume", "os=linux", "--assume", "python=3.12")
BOUND = """
[project]
name = "x"
version = "1"
requires-python = ">=3.11"
dependencies = ["torch>=2.7"]
[tool.uv.sources]
torch = { index = "pytorch-cu128" }
[[tool.uv.index]]
name = "pytorch-cu128"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
"""
CONTRACT = {"native_gpu_code", "driver_headroom", "reversible", "download_bytes", "minutes"}


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and standard output; standard error is empty unless it failed."""
    code = run(arguments)
    out, err = capsys.readouterr()
    assert not err or code == 2, err
    return code, out


def plan(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON of a plan, held against its schema."""
    code, out = asked(capsys, "plan", *arguments, "--json")
    document: dict[str, Any] = json.loads(out)
    PLAN.validate(document)
    assert code == (0 if document["satisfied"] else 1)
    return document


@cache
def profiles() -> tuple[str, ...]:
    return machines.shipped()


@pytest.mark.parametrize("profile", profiles())
def test_a_plan_for_each_shipped_machine_keeps_its_schema(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(capsys, "--machine", profile)
    assert [option["rank"] for option in document["options"]] == list(range(1, len(document["options"]) + 1))
    for option in document["options"]:
        assert set(option["criteria"]) >= CONTRACT
        assert set(option["criteria"]) == set(option["worth"]) == set(document["weights"])


@pytest.mark.parametrize("goal", GOALS)
def test_what_uses_the_gpu_comes_first_for_every_goal(goal: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(capsys, *SEED, "--goal", goal)
    kinds = [option["build"] == "cpu" for option in document["options"]]
    assert kinds == sorted(kinds)
    assert document["options"][0]["build"] == "cu130"
    assert document["options"][-1]["approach"] == "cpu"


def test_the_same_question_has_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(capsys, *SEED) == plan(capsys, *SEED)
    assert plan(capsys, *SEED)["plan_id"] != plan(capsys, *SEED, "--goal", "training")["plan_id"]


def test_a_score_is_the_weighted_sum_of_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(capsys, *SEED)
    weights = document["weights"]
    for option in document["options"]:
        total = sum(option["worth"][name] * weight for name, weight in weights.items())
        assert option["score"] == pytest.approx(total / sum(weights.values()), abs=2e-3)


def test_all_tells_every_candidate_of_an_approach(capsys: pytest.CaptureFixture[str]) -> None:
    few, every = plan(capsys, *SEED), plan(capsys, *SEED, "--all")
    assert len(every["options"]) > 3 * len(few["options"])
    assert every["options"][0]["torch"] == few["options"][0]["torch"]


def test_where_a_gpu_could_be_used_a_cpu_build_does_not_satisfy(capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(capsys, *HOPELESS)
    assert not document["satisfied"]
    assert document["conflicts"]
    assert document["repairs"]
    assert {option["build"] for option in document["options"]} == {"cpu"}
    assert plan(capsys, *NO_GPU)["satisfied"]
    assert plan(capsys, *HOPELESS, "--torch", "==2.14.1+cpu")["satisfied"]


def test_what_is_rejected_here_names_who_offers_it_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(capsys, *KEPT[:-1], "python=3.14t", "--assume", "glibc=2.27")
    rejected = [entry for entry in document["rejected"] if entry["build"]]
    for option in document["options"]:
        number = tuple(map(int, option["torch"].split(".")))
        for entry in rejected:
            first, last = (tuple(map(int, entry["torch"][end].split("."))) for end in ("first", "last"))
            if entry["channel"] == "wheel" and option["index"] and entry["build"] == option["build"] and first <= number <= last:
                assert option["approach"] in entry["offered_by"]
    assert any(entry["offered_by"] for entry in rejected)


def test_a_conflict_says_of_which_build_it_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(capsys, *NEWEST, "--torch", "2.5.1")
    said = [reason["because"] for conflict in document["conflicts"] for reason in conflict]
    assert any(because.startswith("torch 2.5.1+cu") and "its GPU code ends at sm_90" in because for because in said)
    assert not [because for because in said if because.startswith(("its ", "it "))]


def test_what_is_installed_and_fits_stays(capsys: pytest.CaptureFixture[str]) -> None:
    first = plan(capsys, *KEPT, "--assume", "torch=2.8.0+cu128")["options"][0]
    assert (first["torch"], first["build"], first["commands"], first["files"]) == ("2.8.0", "cu128", [], [])
    assert "Nothing to change" in asked(capsys, "plan", *KEPT, "--assume", "torch=2.8.0+cu128")[1]


def test_the_index_is_named_unless_the_package_index_has_that_very_build(capsys: pytest.CaptureFixture[str]) -> None:
    options = plan(capsys, *KEPT, "--all")["options"]
    by_build = {(option["torch"], option["build"]): option["index"] for option in options if option["approach"] == "pip"}
    assert by_build["2.14.1", "cu130"] is None
    assert by_build["2.14.1", "cu126"] == "https://download.pytorch.org/whl/cu126"
    other = plan(capsys, *KEPT, "--assume", "torch=2.14.1+cpu", "--all")["options"]
    named = {option["index"] for option in other if (option["torch"], option["build"]) == ("2.14.1", "cu130")}
    assert None not in {option["index"] for option in other if option["approach"] == "pip" and option["torch"] == "2.14.1"}
    assert "https://download.pytorch.org/whl/cu130" in named


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize("machine", [SEED, HOPELESS, NO_GPU])
def test_a_plan_for_a_person(machine: tuple[str, ...], form: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = asked(capsys, "plan", *machine, "--format", form)
    assert code == (1 if machine is HOPELESS else 0)
    assert "torch 2.1" in out
    commands = ("  python", "  pip", "  uv", "  docker", "  & ", "       ")
    if form == "text":
        assert [line for line in out.splitlines() if len(line) > 80 and not line.startswith(commands)] == []


def test_all_and_verbose_tell_more(capsys: pytest.CaptureFixture[str]) -> None:
    short, verbose, every = (asked(capsys, "plan", *SEED, *more)[1] for more in ((), ("--verbose",), ("--all",)))
    assert "worth x weight = points" in verbose
    assert "worth x weight = points" not in short
    assert len(every.splitlines()) > 3 * len(short.splitlines())


@pytest.mark.parametrize(
    ("question", "verdict", "code"),
    [("cu124", "rejected", 0), ("cu130", "offered", 0), ("dll-copy", "rejected", 0), ("cu999", "unknown-candidate", 2)],
)
def test_why_not(question: str, verdict: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    given, out = asked(capsys, "why-not", question, *SEED, "--json")
    document = json.loads(out)
    WHY_NOT.validate(document)
    assert (document["verdict"], given) == (verdict, code)
    assert asked(capsys, "why-not", question, *SEED)[1].startswith(question)


def test_a_kept_plan_is_private_and_names_what_it_rests_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\ndependencies = ["torch"]\n')
    file, again = tmp_path / "plan.json", tmp_path / "again.json"
    question = (*SEED, "--assume", f"project={project}")
    document = plan(capsys, *question, "--write", str(file))
    kept = json.loads(file.read_text())
    PLAN.validate(kept)
    assert kept["plan"] == document
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert plan(capsys, *question, "--write", str(again)) == document
    other = json.loads(again.read_text())
    assert {name for name in kept if kept[name] != other[name]} <= {"created", "hash"}
    assert kept["rests_on"]["driver"] == "581.57"
    told = kept["rests_on"]["project"]
    if told is not None:
        assert told["files"]["pyproject.toml"] in {None, sha256((project / "pyproject.toml").read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", *SEED, "--yes"),
        ("plan", *SEED, "--option", "2"),
        ("plan", *SEED, "--option", "2", "--all", "--write", "unwritten.json"),
        ("plan", *SEED, "--resolve", "--offline"),
        ("plan", *SEED, "--upgrade", "--all"),
        ("plan", *SEED, "--outdated", "--format", "markdown"),
        ("plan", *SEED, "--model", "7b", "--need", "whisperx"),
        ("plan", *SEED, "--model", "7b", "--goal", "training"),
        ("plan", *SEED, "--need", "no version here !"),
        ("plan", *SEED, "--torch", "newest"),
        ("plan", "--machine", "no-such-machine"),
    ],
)
def test_what_cannot_be_is_one_clear_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


def test_several_candidates_are_one_question_however_the_shell_split_them(capsys: pytest.CaptureFixture[str]) -> None:
    apart = asked(capsys, "why-not", "torch==2.15.0", "source", *SEED, "--json")
    assert apart == asked(capsys, "why-not", "torch==2.15.0 source", *SEED, "--json")
    assert json.loads(apart[1])["candidate"] == "torch==2.15.0 source"


def test_a_project_that_changes_while_the_plan_is_made_is_not_attested(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("torch>=2.6\n")
    host = LocalHost()
    facts: dict[str, Fact[Any]] = {"pasted_project": project.read(host, str(tmp_path))}
    told = plan_file.rests_on(facts, host)["project"]
    assert told["files"] == {"requirements.txt": sha256(file.read_bytes()).hexdigest()}
    file.write_text("torch>=2.9\n")
    with pytest.raises(UsageError, match="changed while the plan was made"):
        plan_file.rests_on(facts, host)


def terminal_lines(report: str) -> int:
    """The lines of an 80-column terminal up to the end of the first option's risks."""
    count, end, inside = 0, 0, False
    for line in report.splitlines():
        inside = line.startswith("  Risks") or (inside and line.startswith(" " * 11))
        count += max(1, -(-len(line) // 80))
        if line.startswith("  Why") or inside:
            end = count
        if line.startswith("How the approaches"):
            break
    return end


@pytest.mark.parametrize("profile", profiles())
def test_what_to_do_why_and_what_is_risked_stands_on_the_first_screen(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = asked(capsys, "plan", "--machine", profile)
    if not code:
        assert 0 < terminal_lines(out) <= 24
    # That torch is missing is what the plan cures.
    if "torch-not-installed" in out:
        assert "torch-not-installed: torch is not installed (Python 3." in out
        assert "No other build of torch cures" not in out


def test_a_file_that_nobody_saw_is_told_once_and_in_few_words(capsys: pytest.CaptureFixture[str]) -> None:
    for option in plan(capsys, *SEED)["options"]:
        said = [risk for risk in option["risks"] if "file for this Python" in risk]
        assert len(said) < 2
        assert all(len(risk.partition("its file")[2]) < 50 for risk in said)


@pytest.mark.parametrize(
    ("gpu", "system", "name"), [("RX 7900 XTX", "linux", "Radeon RX 7900 XTX"), ("Arc A770", "linux", "Arc A770")]
)
def test_another_makers_gpu_is_named_first(gpu: str, system: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = asked(capsys, "plan", "--assume", f"gpu={gpu}", "--assume", f"os={system}", "--assume", "python=3.12")[1]
    assert name in out.splitlines()[1]
    assert "no NVIDIA GPU" not in out.splitlines()[1]


def test_an_index_is_spoken_of_only_where_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    plain = asked(capsys, "plan", "--machine", "wsl-rtx4070")[1]
    assert "by pip.\n" in plain
    assert "--index-url" not in plain.partition("Why")[0]
    named = asked(capsys, "plan", *SEED)[1]
    assert "by pip with an explicit index.\n" in named
    assert "--index-url" in named.partition("Why")[0]


def test_the_retired_channel_is_not_told_as_one_that_never_was(capsys: pytest.CaptureFixture[str]) -> None:
    out = " ".join(asked(capsys, "plan", "--machine", "rtx4090-ubuntu2204", "--all")[1].split())
    assert "PyTorch's own conda channel ended with torch" in out
    folded = choice_words.rejections(retired())
    assert folded == [("pytorch: cu121 (2.5.1)", "PyTorch's own conda channel ended with torch 2.5.1")]


def retired() -> Choice:
    reason = Reason("published", "PyTorch's own conda channel ended with torch 2.5.1", "facts")
    return Choice(Wishes(), (), (Rejected("pytorch: torch 2.5.1 cu121", (reason,), "cu121", "2.5.1", "2.5.1", "pytorch"),))


def test_a_plan_that_was_kept_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.json"
    out = asked(capsys, "plan", *SEED, "--write", str(file))[1]
    assert f"Kept in {file}\n" in out
    assert "--write FILE" not in out


def test_a_mac_is_told_that_its_gpu_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    out = asked(capsys, "plan", "--machine", "m3-macos")[1]
    assert out.splitlines()[1] == "  no torch | Apple GPU (mps) | macos aarch64"
    assert plan(capsys, "--machine", "m3-macos")["options"][0]["criteria"]["native_gpu_code"] == "native"


def test_an_index_that_nobody_has_seen_does_not_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    first = plan(capsys, "--machine", "rx7900xtx-ubuntu2404")["options"][0]
    assert not any("nobody has seen an index" in risk for risk in first["risks"])


def test_what_the_project_says_of_torch_comes_first_where_none_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(BOUND)
    first = plan(capsys, *KEPT, "--assume", f"project={tmp_path}")["options"][0]
    assert (first["approach"], first["build"]) == ("uv-project", "cu128")
    moved = plan(capsys, *KEPT, "--assume", f"project={tmp_path}", "--torch", "+cu130")["options"][0]
    assert (moved["approach"], moved["build"]) == ("uv-project", "cu130")


def test_an_answer_names_few_of_many_options(capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join(asked(capsys, "why-not", "cu130", *SEED)[1].split())
    assert said.startswith("cu130: offered (options 1, ")
    assert "more of `torchsmith plan`" in said


def test_what_is_shadowed_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = Path(__file__).parent / "machines/linux-none-none-2.13.0-cpu-shadowed/bundle.json"
    out = asked(capsys, "plan", "--from", str(bundle))[1]
    assert "To install torch does not cure that. First:\n    Rename /home/user/shadow/torch.py" in out
    assert "Nothing to install: torch 2.13.0+cpu is installed" in out
    assert "and fits" not in out


def test_a_python_without_the_lock_is_named_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "torch is not installed (Python 3.14t)" in asked(capsys, "plan", *NO_GPU[:-1], "python=3.14t")[1]


SECRET = "https://user:s3cr3t@host/x"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--need", f"torch @ {SECRET}"),
        ("--keep", f"torch @ {SECRET}"),
        ("--torch", SECRET),
        ("--model", SECRET),
        ("--machine", SECRET),
        ("--from", SECRET),
        ("--python", SECRET),
        ("--goal", SECRET),
        ("--assume", f"gpu={SECRET}"),
        (SECRET,),
    ],
)
def test_no_error_line_shows_a_password_or_is_long(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for words in (arguments, (*arguments[:-1], arguments[-1] + "x" * 100_000)):
        try:
            code = run(("plan", *words))
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        assert (code, out) == (2, "")
        assert "s3cr3t" not in err
        assert len(err) < 3000


def test_the_terminal_may_be_narrow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    out = asked(capsys, "why-not", "cu124", *SEED)[1]
    assert max(map(len, out.splitlines())) <= 50


def test_a_page_counts_bytes_in_one_unit(capsys: pytest.CaptureFixture[str]) -> None:
    out = asked(capsys, "plan", *SEED)[1]
    assert "about 1.8 GB to download" in out
    assert "1.8/2.9" in out
    assert "GiB" not in out


def test_why_names_whom_it_stands_before(capsys: pytest.CaptureFixture[str]) -> None:
    options = plan(capsys, *SEED)["options"]
    for option, other in pairwise(options):
        assert f"the next, {other['approach']} with torch {other['torch']}+{other['build']}" in option["why"]


def test_a_plan_is_never_written_over_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine"
    file.write_text("mine")
    assert run(("plan", *SEED, "--write", str(file))) == 2
    assert "exists" in capsys.readouterr().err
    assert file.read_text() == "mine"
