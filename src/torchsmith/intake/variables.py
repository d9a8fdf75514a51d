"""Environment variables as shown: ``export A=b``, ``set A=b``, ``$env:A="b"``, a dump of ``env``, code that sets them."""

from __future__ import annotations

import re
from itertools import islice

from torchsmith.intake.clue import Clue, Line
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "environment"
MOST = 32
"""Variables that one command passes on."""
_NAME = (
    r"(?P<name>(?:CUDA|NVIDIA|LD|PIP|UV|CONDA|TORCH|PYTORCH|NCCL|SLURM|TRITON|PYTHON|KMP|OMP|HIP|ROCR|VLLM|XDG|MKL)_?[A-Z][A-Z0-9_]{1,40}"
    r"|CUDACXX|VIRTUAL_ENV|PATH)"
)
# PowerShell's, cmd's and a shell's, each with its folder.
_PROMPT = r"(?:PS [A-Z]:[^>]{0,80}> ?|[A-Z]:\\[^>]{0,80}>|\(\S{1,40}\) |[\w.-]{1,32}@[\w.-]{1,64}:[^$#]{0,80}[$#] ?){0,2}"
_SHELL = pattern(
    _PROMPT + r"\s{0,8}[-$]? ?(?:export |set |setx |ENV |declare -x |\$env:|system env var )?"
    rf"{_NAME} ?= ?(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"';]*)",
    re.IGNORECASE,
)
_CODE = pattern(rf"\s{{0,40}}os\.environ\[['\"]{_NAME}['\"]\]\s?[=:]\s{{0,3}}f?(?P<value>\"[^\"]*\"|'[^']*'|\S*)")
_PASSED = pattern(rf" (?:-e|--env)[ =]['\"]?{_NAME}=(?P<value>[^\s'\"]{{1,300}})")
_SPACED = pattern(rf"\s{{0,8}}ENV {_NAME} (?P<value>[^\s=]{{1,300}})$")
_MAPPED = pattern(rf"\s{{2,24}}{_NAME}: {{1,4}}(?P<value>\"[^\"]{{0,300}}\"|'[^']{{0,300}}'|[^\s\"'{{]{{1,300}})$")

# What a line must hold for its form: the patterns are costly to compile, and most texts set no variable.
_FORMS = ((_SHELL, "="), (_CODE, "os.environ"), (_SPACED, "ENV "), (_MAPPED, ": "))
_BEGIN = (
    *("CUDA", "NVIDIA", "LD", "PIP", "UV", "CONDA", "TORCH", "NCCL", "SLURM", "TRITON", "PYTHON", "KMP", "OMP", "HIP", "ROCR"),
    *("VLLM", "XDG", "MKL", "VIRTUAL_ENV", "PATH"),
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per variable that is set; names are taken as upper case only."""
    for line in lines:
        text = line.text
        if not any(begin in text for begin in _BEGIN):
            continue
        matched = next((found for form, word in _FORMS if word in text and (found := form.match(text))), None)
        passed = _PASSED.finditer(text) if " -e" in text or " --env" in text else ()
        for found in (matched,) if matched else tuple(islice(passed, MOST)):
            if found["name"].isupper() and "{" not in found["value"]:
                yield Clue("variable", (found["name"], found["value"].strip("\"'")), FORM, line.number)
