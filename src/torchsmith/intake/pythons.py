"""Which Python a text is about: its executable, the prefix of its environment, and whose environment it is.

Paths and names of it go into commands: nothing is taken that is not a plain path of an interpreter or of a folder.
"""

from __future__ import annotations

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchsmith.intake.clue import Clues

FORM = "names of a Python"
WORDS = ("python", "conda", "packages in environment", "venv", "@", ":\\")
UNKNOWN = "unknown"
"""The kind of an environment of which the text tells nothing."""
_FOLDERS = r"(?:[A-Za-z]:[\\/]|/)(?:[\w.+@-]{1,80}[\\/]){0,14}"
_EXECUTABLE = pattern(
    rf"(?:[Pp]ython [Ee]xecutable\s?:\s?|\bvenv )\"?(?P<path>{_FOLDERS}[Pp]ython(?:3(?:\.\d{{1,2}})?)?(?:\.exe)?)\"?\s{{0,4}}$"
)
# ComfyUI brings a Python of its own, and no other one has its packages.
_EMBEDDED = pattern(rf"(?P<folder>{_FOLDERS}python_embeded)\\")
_IN_ENVIRONMENT = pattern(r"# packages in environment at (?P<prefix>(?:[A-Za-z]:\\|/)[\w .+@\\/-]{1,200}?):?\s{0,4}$")
_PROMPT = pattern(r"\((?P<name>[A-Za-z0-9][\w.-]{0,60})\) (?:PS )?(?:[A-Za-z]:\\[^>]{0,200}>|[\w.-]{1,60}@[\w.-]{1,60})")
_KINDS = (
    ("conda", pattern(r"[\\/](?:conda|(?:[Mm]ini|[Aa]na)conda\d?|[Mm]iniforge\d?|[Mm]ambaforge|micromamba)[\\/]")),
    ("venv", pattern(r"[\\/](?:\.?v?env\d?[\w.-]{0,20}|virtualenvs[\\/][\w.-]{1,80})[\\/](?:lib|Lib|bin|Scripts)[\\/]")),
    ("system", pattern(r"/usr/(?:local/)?lib/python3[\w.]{0,4}/dist-packages/")),
)
_PLACES = ("-packages", "ython.exe", "/bin/python", "/bin/pip")


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """Executable, prefix and name of the environment; its kind by the first path that shows one."""
    kind = ""
    names: dict[str, int] = {}
    for line in lines:
        text = line.text
        if "ython" in text and (found := _EXECUTABLE.search(text)):
            yield Clue("executable", found["path"], FORM, line.number)
        elif "python_embeded" in text and (found := _EMBEDDED.search(text)):
            yield Clue("executable", f"{found['folder']}\\python.exe", FORM, line.number)
        elif "packages in env" in text and (found := _IN_ENVIRONMENT.match(text)):
            yield Clue("prefix", found["prefix"], FORM, line.number)
        elif text.startswith("(") and (found := _PROMPT.match(text)):
            names.setdefault(found["name"], line.number)
        if not kind and any(place in text for place in _PLACES):
            kind = next((known for known, words in _KINDS if words.search(text)), "")
            if kind:
                yield Clue("environment-kind", kind, FORM, line.number)
    if len(names) == 1:  # of several the text does not say which one is meant
        yield from (Clue("environment-name", name, FORM, number) for name, number in names.items())


def kind(clues: Clues) -> str:
    """Whose environment it is: conda's by what it installed there, else by the path of something in it."""
    if any(not pip for *_, pip in (clue.value for clue in clues.of("conda"))):
        return "conda"
    return str(clues.value("environment-kind") or UNKNOWN)


def prefix(clues: Clues) -> str:
    """The folder of a conda environment, else its name; empty where neither is told."""
    name = clues.value("environment-name") if kind(clues) == "conda" else None
    return str(clues.value("prefix") or name or "")
