"""(H writes this)"""
from torchsmith.model.record import record


@record
class Cause:
    kind: str
    line: str


def cause_of(status, lines):  # type: ignore[no-untyped-def]
    return Cause("other", lines[-1] if lines else "")
