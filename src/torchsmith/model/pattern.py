"""Regular expressions that are compiled when they are first used.

A check imports a hundred modules and most of them meet nothing to match: compiling their patterns on import would cost a
third of its time (docs/benchmarks.md).
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, AnyStr


class _Lazy:
    """Stands in for a compiled pattern until one of its methods is asked for."""

    __slots__ = ("_compiled", "_flags", "_source")

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source, self._flags = source, flags
        self._compiled: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._compiled is None:
            self._compiled = re.compile(self._source, self._flags)
        return getattr(self._compiled, name)


def pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What ``re.compile`` gives, later."""
    return _Lazy(source, flags)  # type: ignore[return-value]
