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
