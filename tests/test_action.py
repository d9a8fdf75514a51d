"""The GitHub Action: its steps run as they stand in action.yml, with what a runner gives, against a stand-in for the REST API."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from action import api, event, log
from action.__main__ import main as action_main

from tests.report.test_explanation import live

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data" / "action"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
TOKEN = "ghs_secret"
OUT = "2026-11-20T16:40:01.0000000Z "
ERROR = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
FAILED = f"{OUT}Run pytest\n{OUT}{ERROR}\n{OUT}##[error]Process completed with exit code 1.\n"
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(BASH is None or os.name == "nt", reason="a Linux runner's bash")


def archive(**texts: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as logs:
        for name, text in texts.items():
            logs.writestr(name, text)
    return made.getvalue()


RUN_LOGS = archive(
    **{
        "0_lint.txt": f"{OUT}all is well\n",
        "1_test (3.12, gpu).txt": FAILED,
        "test (3.12, gpu)/1_Set up job.txt": f"{OUT}step\n",
        "10_later.txt": f"{OUT}torch.OutOfMemoryError: CUDA out of memory.\n{OUT}##[error]Process completed\n",
    }
)


class Hub:
    """What stands in for the API: it keeps comments and every request."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, str | None]] = []
        self.logs = RUN_LOGS
        self.refuse = 0
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                hub.requests.append((self.command, self.path, self.headers.get("Authorization")))
                hub.answer(self, body)

            do_GET = do_POST = do_PATCH = do  # noqa: N815 - http.server's names

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        # Another origin, as the store of logs is.
        self.elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        for server in (self.server, self.elsewhere):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        path = request.path
        if self.refuse:
            self.reply(request, self.refuse, b'{"message": "no"}')
        elif path.endswith("/attempts/2/logs"):
            request.send_response(302)
            request.send_header("Location", f"http://127.0.0.1:{self.elsewhere.server_address[1]}/logs.zip")
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path == "/logs.zip":
            self.reply(request, 200, self.logs)
        elif request.command == "GET":
            page = int(re.findall(r"[?&]page=(\d+)", path)[0])
            self.reply(request, 200, json.dumps(self.comments[(page - 1) * 100 : page * 100]).encode())
        elif request.command == "POST":
            self.comments.append(self.made(len(self.comments) + 1, body["body"], "github-actions[bot]"))
            self.reply(request, 201, json.dumps(self.comments[-1]).encode())
        else:
            comment = next(c for c in self.comments if path.endswith(f"/issues/comments/{c['id']}"))
            comment["body"] = body["body"]
            self.reply(request, 200, json.dumps(comment).encode())

    @staticmethod
    def made(number: int, body: str, login: str) -> dict[str, Any]:
        return {"id": number, "body": body, "user": {"login": login}, "html_url": f"https://github.com/c/{number}"}

    @staticmethod
    def reply(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        for server in (self.server, self.elsewhere):
            server.shutdown()
            server.server_close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.close()


class Runner:
    """Runs the steps of a composite action as GitHub's runner does."""

    def __init__(self, folder: Path, url: str, name: str, payload: dict[str, Any]) -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        # What a pull request may bring along: nothing of it may be imported.
        for module in ("torchsmith", "action", "json", "zipfile"):
            (self.workspace / f"{module}.py").write_text("raise SystemExit('code of the workspace ran')\n")
        temp = folder / "temp"
        temp.mkdir()
        self.summary, self.output, event_path = folder / "summary.md", folder / "output", folder / "event.json"
        event_path.write_text(json.dumps(payload))
        binaries = folder / "bin"
        binaries.mkdir()
        (binaries / "python3").symlink_to(sys.executable)
        self.log = ""
        self.environ = {
            "PATH": f"{binaries}:/usr/bin:/bin",
            "HOME": str(folder),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": url,
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(event_path),
            "GITHUB_REPOSITORY": "owner/project",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(temp),
        }

    def run(self, **inputs: str) -> tuple[int, dict[str, str]]:
        """The status of the first step that fails, else 0, and the action's outputs."""
        given = {name: str(about.get("default", "")) for name, about in ACTION["inputs"].items()} | inputs
        context = {f"inputs.{name}": value for name, value in given.items()}
        context |= {"github.token": TOKEN, "inputs.token": TOKEN}
        for step in ACTION["runs"]["steps"]:
            if not self.wanted(step.get("if"), context):
                continue
            self.output.write_text("")
            script = self.workspace.parent / f"{step['id']}.sh"
            script.write_text(step["run"])
            assert "${{" not in step["run"], "an expression inside a script is an injection"
            environ = self.environ | {"GITHUB_OUTPUT": str(self.output)}
            environ |= {name: self.filled(value, context) for name, value in step.get("env", {}).items()}
            ran = subprocess.run(
                [str(BASH), "--noprofile", "--norc", "-e", "-o", "pipefail", script],
                cwd=self.workspace,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            self.log += ran.stdout + ran.stderr
            if ran.returncode:
                return ran.returncode, {}
            for line in self.output.read_text().splitlines():
                name, _, value = line.partition("=")
                context[f"steps.{step['id']}.outputs.{name}"] = value
        return 0, {name: self.filled(about["value"], context) for name, about in ACTION["outputs"].items()}

    @staticmethod
    def filled(text: str, context: dict[str, str]) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: context.get(found[1], ""), str(text))

    @staticmethod
    def wanted(condition: str | None, context: dict[str, str]) -> bool:
        if condition is None:
            return True
        found = re.fullmatch(r"([\w.-]+) != ''", condition)
        assert found, condition
        return bool(context.get(found[1], ""))


def payload(name: str) -> Any:
    return json.loads((DATA / name).read_text())


ISSUE, RUN = "issues-labeled.json", "workflow_run-completed.json"


@pytest.fixture
def runner(tmp_path: Path, hub: Hub, request: pytest.FixtureRequest) -> Runner:
    name = request.param
    return Runner(tmp_path, hub.url, name.partition("-")[0], payload(name))


on_issue = pytest.mark.parametrize("runner", [ISSUE], indirect=True)
on_run = pytest.mark.parametrize("runner", [RUN], indirect=True)


@on_issue
def test_an_issue_is_answered_in_the_summary_alone_unless_asked(runner: Runner, hub: Hub) -> None:
    status, outputs = runner.run()
    assert status == 0, runner.log
    assert outputs["verdict"] == "blocked"
    assert re.fullmatch(r"[a-z-]+", outputs["cause"])
    assert 0 < float(outputs["confidence"]) <= 1
    assert outputs["comment-url"] == ""
    assert hub.requests == []
    page = runner.summary.read_text()
    assert page.startswith("<!-- torchsmith-explain {")
    assert "6 | RuntimeError: CUDA error: no kernel image" in page
    assert live(page) == []


@on_issue
def test_nothing_of_an_issue_runs_or_is_obeyed(runner: Runner) -> None:
    runner.run(comment="true")
    assert not list(runner.workspace.rglob("injected*"))
    assert "code of the workspace ran" not in runner.log
    assert not [line for line in runner.log.splitlines() if line.lstrip().startswith("::")]
    assert TOKEN not in runner.log + runner.summary.read_text()


@on_issue
def test_a_comment_is_written_once_and_then_replaced(runner: Runner, hub: Hub) -> None:
    forged = "<!-- torchsmith-explain {} --> by somebody else"
    hub.comments = [Hub.made(number, "a word", "reporter") for number in range(1, 121)]
    hub.comments.append(Hub.made(121, forged, "reporter"))
    status, outputs = runner.run(comment="true")
    assert status == 0, runner.log
    assert outputs["comment-url"] == "https://github.com/c/122"
    assert [(method, path) for method, path, _ in hub.requests] == [
        ("GET", "/repos/owner/project/issues/41/comments?per_page=100&page=1"),
        ("GET", "/repos/owner/project/issues/41/comments?per_page=100&page=2"),
        ("POST", "/repos/owner/project/issues/41/comments"),
    ]
    assert {token for *_, token in hub.requests} == {f"Bearer {TOKEN}"}
    hub.requests.clear()
    _, again = runner.run(comment="true")
    assert again["comment-url"] == outputs["comment-url"]
    assert [method for method, *_ in hub.requests] == ["GET", "GET"], "the same answer is not written again"
    hub.comments[121]["body"] = "<!-- torchsmith-explain {} --> an older answer"
    runner.run(comment="true")
    assert hub.requests[-1][:2] == ("PATCH", "/repos/owner/project/issues/comments/122")
    assert "no kernel image" in hub.comments[121]["body"]
    assert hub.comments[120]["body"] == forged
    assert len(hub.comments) == 122


@on_run
def test_a_failed_run_is_answered_on_its_pull_request(runner: Runner, hub: Hub) -> None:
    status, outputs = runner.run(comment="true")
    assert status == 0, runner.log
    assert [(method, path) for method, path, _ in hub.requests] == [
        ("GET", "/repos/owner/project/actions/runs/289782451/attempts/2/logs"),
        ("GET", "/logs.zip"),
        ("GET", "/repos/owner/project/issues/2/comments?per_page=100&page=1"),
        ("POST", "/repos/owner/project/issues/2/comments"),
    ]
    assert hub.requests[1][2] is None, "the token goes to no other host"
    body = hub.comments[0]["body"]
    assert body.startswith("<!-- torchsmith-explain {")
    assert "[run 289782451](https://github.com/owner/project/actions/runs/289782451)" in body
    assert "2 | RuntimeError: CUDA error: no kernel image" in body
    assert outputs["comment-url"] == "https://github.com/c/1"
    assert "the log of the job test (3.12? gpu)" in runner.log


@on_run
def test_a_run_that_failed_for_other_reasons_is_no_matter_for_a_comment(runner: Runner, hub: Hub) -> None:
    hub.logs = archive(**{"0_test.txt": f"{OUT}assert 1 == 2\n{OUT}##[error]Process completed with exit code 1.\n"})
    status, outputs = runner.run(comment="true")
    assert status == 0, runner.log
    assert outputs["cause"] == ""
    assert hub.comments == []
    assert "none that torchsmith knows" in runner.summary.read_text()


@on_run
def test_archives_that_are_none(runner: Runner, hub: Hub) -> None:
    for data in (b"", b"not a zip", RUN_LOGS[: len(RUN_LOGS) // 2], archive(**{"notes.txt": "x"})):
        hub.logs = data
        status, _ = runner.run()
        assert status == 1
        assert "::error title=torchsmith explain::" in runner.log
        assert "Traceback" not in runner.log


@on_run
@pytest.mark.parametrize(("status", "words"), [(403, "permissions"), (404, "may not see it"), (410, "not kept"), (500, "500")])
def test_what_the_api_refuses_is_one_clear_error(runner: Runner, hub: Hub, status: int, words: str) -> None:
    hub.refuse = status
    assert runner.run()[0] == 1
    errors = [line for line in runner.log.splitlines() if line]
    assert len(errors) == 1
    assert errors[0].startswith("::error title=torchsmith explain::")
    assert words in errors[0]


def changed(name: str, **fields: Any) -> Any:
    """An event with other values: ``issue__labels=[]``."""
    made = payload(name)
    for path, value in fields.items():
        *folders, last = path.split("__")
        part = made
        for folder in folders:
            part = part[folder]
        part[last] = value
    return made


NOT_ASKED = {
    "another event": ("push", {}),
    "an issue without the label": ("issues", changed(ISSUE, action="opened", issue__labels=[])),
    "another label": ("issues", changed(ISSUE, label__name="question")),
    "a closed issue": ("issues", changed(ISSUE, action="closed")),
    "a run that succeeded": ("workflow_run", changed(RUN, workflow_run__conclusion="success")),
    "a run that was cancelled": ("workflow_run", changed(RUN, workflow_run__conclusion="cancelled")),
}


@pytest.mark.parametrize("what", NOT_ASKED)
def test_nothing_is_asked(what: str) -> None:
    name, given = NOT_ASKED[what]
    with pytest.raises(event.NothingAsked):
        event.question(name, given, "cuda")


def test_an_event_that_asks_nothing_does_nothing(tmp_path: Path, hub: Hub) -> None:
    runner = Runner(tmp_path, hub.url, "issues", changed(ISSUE, issue__labels=[]))
    assert runner.run(comment="true") == (0, dict.fromkeys(ACTION["outputs"], ""))
    assert hub.requests == []
    assert not runner.summary.exists()
    assert "nothing to do" in runner.log


def test_what_an_issue_asks() -> None:
    opened = changed(ISSUE, action="opened")
    assert event.question("issues", opened, "cuda").number == 41
    assert event.question("issues", changed(ISSUE, issue__labels=[], action="opened"), "").number == 41
    empty = event.question("issues", changed(ISSUE, issue__body=None), "cuda")
    assert empty.text.strip().startswith("CUDA doesn't work")


def test_a_run_of_no_pull_request_here() -> None:
    fork = changed(RUN, workflow_run__pull_requests=[])
    assert event.question("workflow_run", fork, "") == event.Question(None, "", 289782451, 2)


def test_only_the_end_of_a_long_log_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "TAIL", 4 << 20)
    line = "x" * 99 + "\n"
    found = log.of_failed_job(io.BytesIO(archive(**{"0_a.txt": line * 100_000 + FAILED})))
    assert found.cut
    assert len(found.text) <= log.TAIL
    assert found.text.startswith(b"x" * 99 + b"\n")
    assert found.text.endswith(FAILED.encode())


def test_a_bomb_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "UNPACKED", 8 << 20)
    bomb = archive(**{f"{number}_a.txt": "0" * (6 << 20) for number in range(4)})
    assert len(log.of_failed_job(io.BytesIO(bomb)).text) <= log.TAIL
    monkeypatch.setattr(log, "MEMBERS", 3)
    with pytest.raises(log.UnreadableLogError, match="more than 3"):
        log.of_failed_job(io.BytesIO(bomb))


@pytest.mark.parametrize(
    ("url", "repository"), [("http://example.org", "a/b"), ("file:///etc", "a/b"), ("https://x", "a/b/../c")]
)
def test_addresses_that_are_not_asked(url: str, repository: str) -> None:
    with pytest.raises(api.ApiError):
        api.Api(url, repository, TOKEN)


def test_an_endless_answer_is_cut(hub: Hub) -> None:
    hub.logs = b"x" * 5000
    with pytest.raises(api.ApiError, match="longer"):
        api.Api(hub.url, "owner/project", TOKEN).logs(1, 2, 4000)


def test_every_input_and_output_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "github-action.md").read_text()
    assert all(f"`{name}`" in page for name in (*ACTION["inputs"], *ACTION["outputs"]))


def test_the_examples_are_workflows_of_least_permissions() -> None:
    page = (ROOT / "docs" / "reference" / "github-action.md").read_text()
    examples = [yaml.load(text, yaml.BaseLoader) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    assert len(examples) == 2
    for workflow in examples:
        assert workflow["permissions"] == {}
        (job,) = workflow["jobs"].values()
        assert set(job["permissions"].values()) <= {"read", "write"}
        for step in job["steps"]:
            assert set(step.get("with", {})) <= set(ACTION["inputs"])
            assert "run" not in step


def test_an_event_that_is_none_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = tmp_path / "event.json"
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(sent))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "issues")
    for text in ("", "[]", "{}", '{"action": "opened", "issue": {"labels": null}}', "[" * 100_000):
        sent.write_text(text)
        assert action_main("read") == 1
        assert capsys.readouterr().out.startswith("::error title=torchsmith explain::")
