"""Lines of a text report under construction: wrapped at the width, coloured only where asked."""

from __future__ import annotations


class Page:
    """A report of at most ``width`` columns where words allow it."""

    def __init__(self, width: int, colour: bool) -> None:
        self.width = width
        self._colour = colour
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        """A line as it is: commands are never broken."""
        self._lines.append(text.rstrip())

    def block(self, text: str, first: str, then: str | None = None) -> None:
        """Words in lines; a word that is longer than a line stands alone."""
        indent = first if then is None else then
        line, empty = first, True
        for word in text.split():
            if not empty and len(line) + 1 + len(word) > self.width:
                self._lines.append(line)
                line, empty = indent, True
            line += word if empty else f" {word}"
            empty = False
        self._lines.append(line)

    def gap(self) -> None:
        """An empty line."""
        self._lines.append("")

    def paint(self, text: str, code: str) -> str:
        """``text`` in a colour (SGR parameters), if colours are wanted."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def text(self) -> str:
        """The whole report."""
        return "\n".join(self._lines) + "\n"
