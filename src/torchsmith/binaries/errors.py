"""The one error that the readers raise."""


class BinaryError(Exception):
    """A file is not what it claims to be, is damaged, or is beyond the limits of the readers.

    ``cut_short`` is true where the file points behind its own end: most often a copy or an installation that stopped
    early.
    """

    def __init__(self, message: str, *, cut_short: bool = False) -> None:
        super().__init__(message)
        self.cut_short = cut_short
