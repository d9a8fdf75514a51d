"""Approaches that torchsmith writes files for and runs nothing of: Nix, Flox, a build from source."""

from __future__ import annotations

from torchsmith.managers import approaches, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.model.transaction import Shown, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.transactions import Files
    from torchsmith.model.choice import Option, Place

_WHY = {
    "nix": "Nix builds the environment anew of the expression",
    "flox": "Flox makes the environment of its own catalog",
    "source": "it takes hours, and compilers that torchsmith does not install",
}


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that would be written."""
    del files
    folder = transactions.here(place)
    return tuple(f"{folder}/{name}" for name, _ in approaches.steps(option, place).files) if folder else ()


def change(option: Option, place: Place, files: Files) -> Transaction:
    """The files of the approach, and its commands to be run by hand.

    Raises:
        CannotDo: nothing is known for this build.

    """
    made = approaches.steps(option, place)
    if not made.commands:
        raise CannotDo(f"{option.approach.title} has nothing for torch {option.candidate.version}")
    root = transactions.root(place) if made.files else ""
    why = _WHY.get(option.approach.name, "it is not torchsmith's to run")
    return Transaction(
        transactions.title(option),
        edits=tuple(
            edit
            for name, text in made.files
            for edit in transactions.edit(f"{root}/{name}", text, files, f"the file of {option.approach.title}")
        ),
        shown=tuple(Shown(command, why) for command in made.commands),
        notes=made.notes,
    )
