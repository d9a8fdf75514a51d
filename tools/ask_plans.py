"""Ask questions about plans and print how many are answered rightly, by family: ``python -m tools.ask_plans [FILE|FOLDER] ...``.

A question is a table of ``tests/plans/*.toml``; the file's name is its family. ``--misses`` shows what is answered otherwise.

    [[question]]
    name = "RTX 5090 under a driver that does not know it"
    assume = ["gpu=RTX 5090", "driver=550.54.14", "os=linux", "python=3.12"]
    because = "Blackwell needs a driver from 570.26 on"
    source = "torchsmith facts drivers"
    satisfied = false

| key | meaning |
| --- | --- |
| ``assume``, ``machine``, ``goal``, ``need``, ``keep``, ``torch``, ``no_admin``, ``offline`` | as on the command line |
| ``project`` | file name and text: what lies in the project's folder |
| ``satisfied`` | whether an option does what was asked (exit code 0 or 1) |
| ``first`` | of the first option: ``approach``, ``build``, ``python``, ``kind``, ``channel`` (lists of what is right), |
| | ``torch`` (versions), ``nothing`` (no command) |
| ``offered``, ``never`` | what stands among the options, or must not: a wheel's build, ``CHANNEL:BUILD``, an approach, |
| | ``APPROACH:BUILD``, ``torch==VERSION`` (a wheel, not as the CPU fallback), ``pythonVERSION`` |
| ``rejected`` | build or approach, and the constraint (or one of several) that stands among the reasons |
| ``why_not`` | a candidate with the constraint that must be named, or the verdict; ``fits_if``: conditions that must be told |
| ``remark`` | words of which each must be found in the remarks, conflicts, repairs, or an option's risks and notes |
| ``unsaid`` | words that must not stand in the remarks |
| ``risk`` | words that must be found in the first option's risks or notes |
| ``command`` | words that must all stand in the first option's commands or files |
| ``packages`` | pins of the first option: name and versions |
| ``error`` | the question is refused (exit code 2) with these words |
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from torchsmith.app import asked, plan, why_not, wishes
from torchsmith.choose import decide
from torchsmith.host.replay import ReplayHost
from torchsmith.model import pep440
from torchsmith.model.choice import Answer, Candidate, Choice, Option
from torchsmith.model.errors import TorchsmithError
from torchsmith.report import choice_json

ROOT = Path(__file__).parents[1]
EXPECTED = frozenset(
    {"satisfied", "first", "offered", "never", "rejected", "why_not", "remark", "unsaid", "risk", "command", "packages", "error"}
)
ASKED = {"name", "assume", "machine", "goal", "need", "keep", "torch", "no_admin", "offline", "project"}
KEYS = EXPECTED | ASKED | {"because", "source", "fits_if"}
ACCELERATORS = ("cuda", "rocm", "xpu")
Question = dict[str, Any]


def load(place: Path) -> list[tuple[str, Question]]:
    """The questions of a file, or of all files of a folder, each with its family."""
    files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
    found = []
    for file in files:
        for question in tomllib.loads(file.read_text(encoding="utf-8"))["question"]:
            strange = set(question) - KEYS
            if strange:
                raise SystemExit(f"{file.name}: {question.get('name')}: unknown keys {', '.join(sorted(strange))}")
            found.append((file.stem, question))
    return found


def arguments(question: Question) -> list[str]:
    """The question as the command line's arguments, without verb and project."""
    told = [word for item in question.get("assume", ()) for word in ("--assume", item)]
    if "machine" in question:
        told += ["--machine", question["machine"]]
    for key in ("need", "keep"):
        told += [word for item in question.get(key, ()) for word in (f"--{key}", item)]
    for key in ("goal", "torch"):
        if key in question:
            told += [f"--{key}", question[key]]
    return told + [f"--{key.replace('_', '-')}" for key in ("no_admin", "offline") if question.get(key)]


def faults(question: Question) -> list[str]:
    """What is answered otherwise than it should be; none for a right answer."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in question.get("project", {}).items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        try:
            return _faults(question, folder if "project" in question else None)
        except TorchsmithError as error:
            if "error" not in question:
                return [f"refused: {error}"]
            return [f"the error does not say {word!r}: {error}" for word in _words(question["error"]) if word not in str(error)]


def _faults(question: Question, folder: str | None) -> list[str]:
    assume = list(question.get("assume", ()))
    if folder is not None:
        assume.append(f"project={folder}")
    if "machine" in question:
        from torchsmith.app import machines

        assume = [*machines.assumptions(question["machine"], assume), *assume]
    host, given = asked.evidence(_host(folder), None, None, assume)
    options = argparse.Namespace(
        goal=question.get("goal", "minimal-change"),
        need=question.get("need", []),
        keep=question.get("keep", []),
        torch=question.get("torch", ""),
        no_admin=question.get("no_admin", False),
        offline=question.get("offline", False),
    )
    wished = wishes.of(options)
    situation, diagnosis = plan.look(host, given, wished)
    choice = plan.composed(situation, diagnosis)
    if "error" in question:
        return ["it is answered, and should be refused"]
    judged = decide.judged(situation) if {"offered", "never"} & set(question) else None
    takes = [(way.approach.name, row.candidate) for way in judged.ways for row in judged.rows if way.takes(row)] if judged else []
    answers = {name: why_not.answer(host, given, wished, name) for name in question.get("why_not", {})}
    return judge(question, choice, takes, answers)


def _host(folder: str | None) -> Any:
    if folder is None:
        return ReplayHost({}, reason="not assumed")
    from torchsmith.host.local import LocalHost

    return LocalHost()


def judge(question: Question, choice: Choice, takes: list[tuple[str, Candidate]], answers: dict[str, Answer]) -> list[str]:
    """The decision held against what is right."""
    first = choice.options[0] if choice.options else None
    wrong = _options(question, choice, takes, first)
    told = _text(choice)
    wrong += [f"it is not said: {word!r}" for word in _words(question.get("remark", [])) if word.lower() not in told]
    wrong += [f"it is said: {word!r}" for word in _words(question.get("unsaid", [])) if word in "\n".join(choice.remarks)]
    return wrong + _said_of(question, first) + _why_not(question, answers)


def _options(question: Question, choice: Choice, takes: list[tuple[str, Candidate]], first: Option | None) -> list[str]:
    wrong: list[str] = []
    if "satisfied" in question and choice.satisfied != question["satisfied"]:
        wrong.append(f"satisfied is {choice.satisfied}, and should be {question['satisfied']}")
    if "first" in question:
        wrong += _first(question["first"], first)
    for name in question.get("offered", ()):
        if not any(_is(*pair, name) for pair in takes):
            wrong.append(f"{name} is not offered: {_reasons(choice, name)}")
    for name in question.get("never", ()):
        found = next((pair for pair in takes if _is(*pair, name)), None)
        if found:
            wrong.append(f"{name} is offered: {found[0]}: torch {found[1].version} for Python {found[1].python}")
    for name, constraint in question.get("rejected", {}).items():
        said = {
            reason.constraint for entry in choice.rejected if name in (entry.build, entry.approach) for reason in entry.reasons
        }
        if not said & set(_words(constraint)):
            wrong.append(f"{name} is not rejected by {constraint}: {_reasons(choice, name)}")
    return wrong


def _said_of(question: Question, first: Option | None) -> list[str]:
    wrong: list[str] = []
    if first and "risk" in question:
        noted = " ".join((*first.risks, *first.notes)).lower()
        wrong += [
            f"the first option's risks do not say {word!r}" for word in _words(question["risk"]) if word.lower() not in noted
        ]
    if "command" in question:
        done = _commands(first)
        wrong += [
            f"the first option's commands do not say {word!r}: {done}" for word in _words(question["command"]) if word not in done
        ]
    for name, versions in question.get("packages", {}).items():
        pin = next((pin for pin in first.packages if pin.name == name), None) if first else None
        if pin is None or not pep440.allows(versions, pin.version):
            wrong.append(f"{name} should be {versions}, and is {pin.version if pin else 'not named'}")
    return wrong


def _why_not(question: Question, answers: dict[str, Answer]) -> list[str]:
    wrong = []
    for name, right in question.get("why_not", {}).items():
        answer = answers[name]
        if not {answer.verdict, *(reason.constraint for reason in answer.reasons)} & set(_words(right)):
            said = [f"{reason.constraint}: {reason.because}" for reason in answer.reasons]
            wrong.append(f"why-not {name}: {answer.verdict} {said}, and should be {right}")
        if answer.verdict == "rejected" and "fits_if" in question:
            told = " | ".join(answer.would_fit_if)
            missing = [word for word in _words(question["fits_if"]) if word not in told]
            wrong += [f"why-not {name}: it would fit if {told!r}, not {word!r}" for word in missing]
    return wrong


def _first(right: dict[str, Any], first: Option | None) -> list[str]:
    if first is None:
        return ["there is no option"]
    candidate = first.candidate
    got = {
        "approach": first.approach.name,
        "build": candidate.build,
        "python": candidate.python,
        "kind": candidate.kind,
        "channel": candidate.channel,
        "nothing": not first.commands,
    }
    wrong = [
        f"first {key} is {got[key]}, and should be {right[key]}"
        for key in got
        if key in right and got[key] not in (right[key] if isinstance(right[key], list) else [right[key]])
    ]
    if "torch" in right and not pep440.allows(right["torch"], candidate.torch):
        wrong.append(f"first torch is {candidate.torch}, and should be {right['torch']}")
    return [f"{fault} ({_said(first)})" for fault in wrong]


def _is(approach: str, candidate: Candidate, name: str) -> bool:
    wheel = candidate.channel == "wheel"
    if name.startswith("torch"):
        return wheel and approach != "cpu" and pep440.allows(name.removeprefix("torch"), candidate.version)
    if name.startswith("python"):
        return candidate.python == name.removeprefix("python")
    if name in ACCELERATORS:
        return wheel and candidate.kind == name
    return name in (
        approach,
        f"{approach}:{candidate.build}",
        candidate.build if wheel else f"{candidate.channel}:{candidate.build}",
    )


def _said(option: Option) -> str:
    return f"{option.approach.name}: torch {option.candidate.version} for Python {option.candidate.python}"


def _reasons(choice: Choice, name: str) -> str:
    found = [
        f"{entry.candidate}: " + "; ".join(f"[{reason.constraint}] {reason.because}" for reason in entry.reasons)
        for entry in choice.rejected
        if name in (entry.build, entry.approach)
    ]
    return " || ".join(found[-2:]) or "no reason is given"


def _text(choice: Choice) -> str:
    document = choice_json.document(choice)
    parts = [document[key] for key in ("remarks", "conflicts", "repairs")]
    parts += [[*option.risks, *option.notes, option.why] for option in choice.options]
    return str(parts).lower()


def _commands(first: Option | None) -> str:
    if first is None:
        return "no option"
    lines = [" ".join(command) for command in first.commands]
    return "; ".join(lines + [text for _, text in first.files])


def _words(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def main(words: list[str]) -> int:
    """Print the score; 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(description="Ask questions about plans.")
    parser.add_argument("places", nargs="*", default=[str(ROOT / "tests/plans")])
    parser.add_argument("--misses", action="store_true", help="show what is answered otherwise")
    options = parser.parse_args(words)
    score: dict[str, list[int]] = {}
    for place in options.places:
        for family, question in load(Path(place)):
            try:
                wrong = faults(question)
            except Exception as error:  # noqa: BLE001 - one crash must not hide the other answers
                wrong = [f"crashed: {type(error).__name__}: {error}"]
            right, asked_ = score.setdefault(family, [0, 0])
            score[family] = [right + (not wrong), asked_ + 1]
            if wrong and options.misses:
                print(f"{family}: {question['name']}\n    because {question['because']}")
                print("".join(f"    - {fault}\n" for fault in wrong))
    for family, (right, number) in score.items():
        print(f"{family:20} {right:4} of {number:4}")
    right, number = (sum(pair[place] for pair in score.values()) for place in (0, 1))
    print(f"{'all':20} {right:4} of {number:4}")
    return 0 if right == number else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
