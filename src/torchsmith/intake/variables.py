"""Environment variables as shown: ``export A=b``, ``set A=b``, ``$env:A="b"``, a dump of ``env``, code that sets them."""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "environment"
_NAME = (
    r"(?P<name>(?:CUDA|NVIDIA|LD|PIP|UV|CONDA|TORCH|PYTORCH|NCCL|SLURM|TRITON|PYTHON|KMP|OMP|HIP|ROCR|VLLM|XDG|MKL)_?[A-Z][A-Z0-9_]{1,40}"
    r"|CUDACXX|VIRTUAL_ENV|PATH)"
)
_SHELL = re.compile(
    r"\s{0,8}[-$]? ?(?:export |set |setx |ENV |declare -x |\$env:|system env var )?"
    rf"{_NAME} ?= ?(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"';]*)",
    re.IGNORECASE,
)
_CODE = re.compile(rf"\s{{0,40}}os\.environ\[['\"]{_NAME}['\"]\]\s?[=:]\s{{0,3}}f?(?P<value>\"[^\"]*\"|'[^']*'|\S*)")


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per variable that is set; names are taken as upper case only."""
    for line in lines:
        for pattern in (_SHELL, _CODE):
            matched = pattern.match(line.text)
            if matched and matched["name"].isupper() and "{" not in matched["value"]:
                yield Clue("variable", (matched["name"], matched["value"].strip("\"'")), FORM, line.number)
                break
