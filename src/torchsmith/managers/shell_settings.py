"""A toolkit in the files that a user's shell reads at its start, or in those that activate one environment."""

from __future__ import annotations

from torchsmith.managers import settings, shell_files, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits import blocks
from torchsmith.managers.edits.base import EditError, newline
from torchsmith.model.transaction import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchsmith.managers.settings import Wanted
    from torchsmith.model.choice import Place
    from torchsmith.model.transaction import Edit


def edits(wanted: Wanted, place: Place, files: Mapping[str, str]) -> tuple[Edit, ...]:
    """The block in the files that this user's shell reads at its start.

    Raises:
        CannotDo: the shell is not known, or a block in a file is not as torchsmith left it.

    """
    shell = shell_files.shell_of(place)
    body = shell_files.lines(shell, wanted.variables, next(iter(wanted.folders), ""))
    return tuple(
        each
        for path in shell_files.startup_files(shell, place, files)
        for each in transactions.edit(path, put(files.get(path), body, path), files, f"a new {shell} reads it at its start")
    )


def put(text: str | None, body: str, path: str) -> str:
    """The text with the block.

    Raises:
        CannotDo: the block that is there is not as torchsmith left it.

    """
    if text and newline(text) == "\r\n" and not path.casefold().endswith((".ps1", ".bat")):
        raise CannotDo(f"{path} has the line ends of Windows, which a shell takes for a part of each word: mend that first")
    try:
        if path.casefold().endswith(".bat"):
            return blocks.put(text or "", body, "::", end="\r\n")
        return blocks.put(text or "", body)
    except EditError as error:
        raise CannotDo(f"{path}, {error}: put it right or take it out, then ask again") from error


def notes(wanted: Wanted, place: Place, files: Mapping[str, str]) -> tuple[str, ...]:
    """Lines of the user's own that set the same variables, and which shells do not see the block."""
    shell = shell_files.shell_of(place)
    told = [
        f"line {line.number} of {line.path} sets {line.name} too (`{line.text}`) and is left as it is: what is read last holds"
        for line in settings.by_hand(shell, place, files)
        if wanted.root not in line.text
    ]
    return (*told, shell_files.not_read_by(shell))


def shown(wanted: Wanted, place: Place) -> tuple[Shown, ...]:
    """How the toolkit's libraries would be found by every program of the machine: never done by torchsmith."""
    if place.os != "linux":
        return ()
    file = f"/etc/ld.so.conf.d/cuda-{wanted.version.replace('.', '-')}.conf"
    why = (
        f"a file with the line `{wanted.root}/lib64` lets every program of this machine find the toolkit's libraries, also "
        "those that bring their own; wheels of torch do not need it"
    )
    return (Shown(("sudoedit", file), why), Shown(("sudo", "ldconfig"), f"makes the loader read {file}"))
