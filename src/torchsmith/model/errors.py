"""One class per error a user can meet; the message says what to do, the class carries the exit code."""

from __future__ import annotations


class TorchsmithError(Exception):
    """Base of our errors. ``exit_code`` is part of the contract (docs/reference/exit-codes.md)."""

    exit_code = 70


class UsageError(TorchsmithError):
    """The command line asks for something that does not exist or contradicts itself."""

    exit_code = 2


class UnreadableInputError(TorchsmithError):
    """A file given as input cannot be read, or is not what it should be."""

    exit_code = 2


class StaleError(TorchsmithError):
    """A plan is not carried out: what it rests on has changed since, or somebody changed the plan itself."""

    exit_code = 2


class HeldError(TorchsmithError):
    """Another run changes the same environment, project or setting at this moment; the message names its process."""

    exit_code = 73


class TryAgainError(TorchsmithError):
    """Nothing was changed, for a reason that may pass: a full disk, an index that does not answer, a file in use."""

    exit_code = 75


class EndedError(TorchsmithError):
    """A run was told to end, and everything is as it was before it. ``exit_code`` is 128 and the signal's number."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class FailedError(TorchsmithError):
    """The change cannot be made, and everything is as it was.

    ``said`` are the last lines of the program that failed; ``passes`` tells that the network or the disk was in its way.
    """

    exit_code = 5

    def __init__(
        self, message: str, said: tuple[str, ...] = (), checks: tuple[tuple[str, bool, str], ...] = (), *, passes: bool = False
    ) -> None:
        super().__init__(message)
        self.said = said
        self.checks = checks
        self.exit_code = 75 if passes else 5
