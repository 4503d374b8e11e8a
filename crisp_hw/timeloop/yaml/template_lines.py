"""The line of a template from which each line of its output comes.

Constant text of a template is marked, wherever a line of it begins, with the number of that line, in characters that
no YAML text may have; what the template puts out is cut at the marks again before anything reads it. So the lines of
loops, conditions and included texts are those of the files that the user wrote.
"""

import re
from dataclasses import dataclass, field

from crisp_hw.errors import Mark

_BEGIN, _END = "\x02", "\x03"
_MARK = re.compile(f"{_BEGIN}([0-9]+){_END}")


@dataclass
class TemplateLines:
    """The lines that were marked in the templates of one run."""

    marks: list[Mark] = field(default_factory=list)

    def mark(self, text: str, file: str, first: int) -> str:
        """A text with a mark in front of each of its lines, the first of which is line `first` of a file.

        >>> lines = TemplateLines()
        >>> lines.cut(lines.mark("a: 1\\nb: 2", "x.yaml", 7), Mark("y.yaml"))
        ('a: 1\\nb: 2', [Mark(file='x.yaml', line=7), Mark(file='x.yaml', line=8)])
        """
        parts = enumerate(text.split("\n"), first)
        return "\n".join(self._next(Mark(file, line)) + part for line, part in parts)

    def mark_file(self, text: str, file: str) -> str:
        """The text of a file with such marks; one line stays as it is, so that templates can compute with it."""
        body = text.rstrip("\n")
        return self.mark(body, file, 1) + text[len(body) :] if "\n" in body else text

    def _next(self, mark: Mark) -> str:
        self.marks.append(mark)
        return f"{_BEGIN}{len(self.marks) - 1}{_END}"

    def cut(self, text: str, start: Mark) -> tuple[str, list[Mark]]:
        """A text without its marks, and where each of its lines comes from.

        That is the last mark before the first word of the line; a line without one belongs to what came last.
        """
        plain, found, last = [], [], start
        for line in text.split("\n"):
            parts = _MARK.split(line)
            here = last
            for place in range(1, len(parts), 2):
                last = self.marks[int(parts[place])]
                if not "".join(parts[0:place:2]).strip():
                    here = last
            plain.append("".join(parts[::2]))
            found.append(here)
        return "\n".join(plain), found
