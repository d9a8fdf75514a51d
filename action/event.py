"""What a GitHub event asks for. Pure: the event's JSON in, a question or the reason why there is none out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ISSUE_ACTIONS = frozenset({"opened", "labeled", "edited", "reopened"})
FAILED = frozenset({"failure", "timed_out"})


class NothingAsked(Exception):  # noqa: N818 - an answer, not a fault
    """The event asks for no answer; the message says why."""


@dataclass(frozen=True)
class Question:
    """``number`` is the issue or pull request to answer, None if there is none; of a run its ``run`` and ``attempt``."""

    number: int | None
    text: str = ""
    run: int | None = None
    attempt: int = 1


def question(name: str, event: dict[str, Any], label: str) -> Question:
    """What the event ``name`` asks.

    Args:
        name: GitHub's name of the event.
        event: its JSON.
        label: the label that an issue must have; empty for any issue.

    Raises:
        NothingAsked: it is of another kind, the issue lacks the label, or the run did not fail.

    """
    if name == "issues":
        return _issue(event, label)
    if name == "workflow_run":
        return _run(event)
    raise NothingAsked(f"the event {name!r} is none that is answered: issues and workflow_run are")


def _issue(event: dict[str, Any], label: str) -> Question:
    issue, action = event["issue"], event["action"]
    if action not in ISSUE_ACTIONS:
        raise NothingAsked(f"nothing is asked by an issue that was {action}")
    if label and action == "labeled" and event["label"]["name"] != label:
        raise NothingAsked("another label was added")
    if label and label not in {given["name"] for given in issue["labels"]}:
        raise NothingAsked("the issue does not bear the label")
    # The title comes last: so the numbers of quoted lines are those of the issue's own text.
    return Question(int(issue["number"]), f"{issue['body'] or ''}\n\n{issue['title']}\n")


def _run(event: dict[str, Any]) -> Question:
    run = event["workflow_run"]
    if run["conclusion"] not in FAILED:
        raise NothingAsked(f"the run ended with {run['conclusion']}")
    # GitHub lists pull requests into other repositories too.
    here = event["repository"]["id"]
    pulls = run["pull_requests"] or ()
    numbers = [int(pull["number"]) for pull in pulls if (pull["base"]["repo"] or {}).get("id") == here]
    return Question(numbers[0] if numbers else None, "", int(run["id"]), int(run.get("run_attempt") or 1))
