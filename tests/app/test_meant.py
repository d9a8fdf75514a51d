"""Which environment is meant: one that was named gives way to no other without a word."""

from __future__ import annotations

import pytest

from torchsmith.app import meant, question
from torchsmith.app.apply import Looked
from torchsmith.choose import situation
from torchsmith.host.replay import ReplayHost
from torchsmith.model import transaction
from torchsmith.model.choice import Choice, Wishes
from torchsmith.model.diagnosis import Diagnosis, Verdict
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.known import Known

HERE = "/home/you/app/.venv"
ANOTHER = transaction.Transaction("x", transaction.Environment("/home/you/.venv", "python", create=("uv", "venv")))
SAME = transaction.Transaction("x", transaction.Environment(HERE, "python"))


def looked(asked: question.Asked, found_by: str = "--python") -> Looked:
    python = Interpreter(f"{HERE}/bin/python", "3.11.2", HERE, "/usr", 64, "x86_64", "linux", "venv", (), ())
    facts = {
        "interpreter": Known(python, ""),
        "environment": Known(Environment("venv", "pip", found_by), ""),
        "torch": Known(None, ""),
    }
    here = situation.of(facts, Wishes())
    return Looked(asked, here, Diagnosis(Verdict.FITS, (), (), (), {}), Choice(Wishes(), (), ()), ReplayHost({}))


def test_another_environment_than_the_named_one_is_not_made_without_a_word() -> None:
    named = looked(question.Asked(python=HERE))
    said = f"`--python` names {HERE}, which stays as it is: this would make another environment, /home/you/.venv"
    assert meant.refusal(named, ANOTHER, chosen=False).startswith(said)
    assert meant.note(named, ANOTHER) == (said,)
    assert (meant.refusal(named, SAME, chosen=False), meant.note(named, SAME)) == ("", ())


@pytest.mark.parametrize("asked", [question.Asked(), question.Asked(python=HERE, approach="conda"), question.Asked(option=2)])
def test_who_says_it_gets_it(asked: question.Asked) -> None:
    assert meant.refusal(looked(asked), ANOTHER, chosen=False) == ""
    assert meant.refusal(looked(question.Asked(python=HERE)), ANOTHER, chosen=True) == ""


@pytest.mark.parametrize("chosen", [False, True])
def test_one_that_only_path_leads_to_is_told(chosen: bool) -> None:
    found = looked(question.Asked(), "python3 on PATH")
    assert bool(meant.refusal(found, SAME, chosen=chosen)) is not chosen
    assert meant.note(found, SAME) == (f"{HERE} is only what python3 on PATH leads to",)
