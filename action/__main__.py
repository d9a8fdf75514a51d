"""``python -m action read`` writes what is asked into a file; ``python -m action answer`` gives the page that was made of it.

Both take what a runner gives: ``GITHUB_*`` variables and files. Nothing of the input is printed: a runner obeys lines of a log.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

from action import log
from action.api import Api, ApiError
from action.event import NothingAsked, Question, question

MARKER = "<!-- torchsmith-explain "
_TOLD = re.compile(re.escape(MARKER) + r"(\{.*\}) -->")
_ODD = re.compile(r"[^A-Za-z0-9 ._()-]")
LONGEST = 65_000
"""Characters of a comment: GitHub takes 65,536."""


def main(verb: str) -> int:
    """The exit status of a step."""
    try:
        {"read": read, "answer": answer}[verb]()
    except (ApiError, log.UnreadableLogError) as error:
        return _failed(str(error))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        # What GitHub sends is taken at its word; whatever breaks that is one message too.
        return _failed(f"the event or an answer of the API is not what it should be: {type(error).__name__}")
    return 0


def _failed(message: str) -> int:
    print(f"::error title=torchsmith explain::{_escaped(message)}")
    return 1


def read() -> None:
    """Write the text that is asked about into a file of its own; without one, the steps that follow do nothing."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))
    try:
        asked = question(os.environ["GITHUB_EVENT_NAME"], event, os.environ.get("TORCHSMITH_LABEL", ""))
    except NothingAsked as reason:
        print(f"nothing to do: {_escaped(str(reason))}")
        return
    # The mark says that it is text, whatever a reporter lets it begin with.
    text = _log(asked) if asked.run else asked.text.encode("utf-8-sig", "replace")
    if not text.removeprefix(BOM_UTF8).strip():
        print("nothing to do: the text is empty")
        return
    folder = Path(tempfile.mkdtemp(prefix="torchsmith-", dir=os.environ.get("RUNNER_TEMP")))
    (folder / "text").write_bytes(text)
    _output(text=folder / "text", number=asked.number or "", run=asked.run or "")


def _log(asked: Question) -> bytes:
    found = log.of_failed_job(_api().logs(asked.run or 0, asked.attempt, log.ARCHIVE))
    print(f"the log of the job {_ODD.sub('?', found.job)}" + (", its last part" if found.cut else ""))
    return found.text


def answer() -> None:
    """Show the page in the job's summary and, if asked, as a comment in place of the one that was written before."""
    page = Path(os.environ["TORCHSMITH_TEXT"] + ".md").read_text("utf-8")
    told = _told(page)
    run, number = os.environ.get("TORCHSMITH_RUN", ""), os.environ.get("TORCHSMITH_NUMBER", "")
    if run:
        page = _with_run(page, int(run))
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(page)
    url = ""
    if os.environ.get("TORCHSMITH_COMMENT") == "true":
        if not number:
            print("no comment: the run belongs to no pull request of this repository")
        elif run and not told["cause"]:
            print("no comment: the log shows nothing that torchsmith knows")
        else:
            # Cut between parts: a page cut within a code span would have what follows its fence live.
            url = _comment(int(number), page if len(page) <= LONGEST else page.partition("<details>")[0])
    _output(verdict=told["verdict"], cause=told["cause"] or "", confidence=told["confidence"] or "")
    _output(**{"comment-url": url})


def _comment(number: int, body: str) -> str:
    api = _api()
    before = api.own_comment(number, os.environ.get("TORCHSMITH_AUTHOR", ""), MARKER)
    if before is None:
        return api.comment(number, body)
    if before["body"] == body:
        return str(before.get("html_url", ""))
    return api.replace(int(before["id"]), body)


def _told(page: str) -> dict[str, Any]:
    """What the page's first line tells a program."""
    found = _TOLD.fullmatch(page.partition("\n")[0])
    if not found:
        raise ApiError("the page does not begin with its marker")
    told: dict[str, Any] = json.loads(found[1])
    return told


def _with_run(page: str, run: int) -> str:
    """The page with the run that it is about behind its marker."""
    marker, _, rest = page.partition("\n")
    server, repository = os.environ["GITHUB_SERVER_URL"], os.environ["GITHUB_REPOSITORY"]
    return f"{marker}\n\nAbout the log of [run {run}]({server}/{repository}/actions/runs/{run}):\n{rest}"


def _api() -> Api:
    return Api(os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"], os.environ.get("TORCHSMITH_TOKEN", ""))


def _output(**values: object) -> None:
    """Outputs of the step: ours, or checked, and of one line."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        for name, value in values.items():
            line = str(value)
            if not line.isprintable():
                raise ApiError(f"the output {name} is not one line")
            file.write(f"{name}={line}\n")


def _escaped(text: str) -> str:
    """A message of a workflow command, or of the log."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
