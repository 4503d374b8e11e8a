"""Pages of the documentation as stories: every block of code is run, in order, in one folder and one namespace.

Sybil finds the blocks. What stands in comments of HTML directly above a block is for the test alone:

    <!-- not run: installs packages -->     the block is left out; the reason is listed in test_documented_blocks.py
    <!-- file: mine.yaml -->                the block is written to that file, not run
    <!-- exit code: 2 -->                   how the last command of the block ends; 0 without it
    <!-- invisible-code-block: console ... -->   a block that readers do not see, for what they bring themselves
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from documented_console import run_console
from documented_python import run_python
from sybil import Document, Region
from sybil.parsers.abstract.lexers import LexerCollection
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, FencedCodeBlockLexer

LEXERS = LexerCollection(
    [
        FencedCodeBlockLexer(r"[^\n`]*", {"language": "language", "source": "source"}),
        DirectiveInHTMLCommentLexer("invisible-code-block", ".+", {"arguments": "language", "source": "source"}),
    ]
)
MARKS = ("not run", "file", "exit code")
ABOVE = re.compile(r"<!-- (?P<name>[a-z ]+): (?P<value>[^\n]+?) -->[ \t]*\n[ \t]*\Z")
STATIC = ("", "text", "json")  # diagrams and what programs wrote: nothing to run


class UnreadablePage(ValueError):
    """A block whose language or mark means nothing: to pass over it would be to leave it out unseen."""


@dataclass(frozen=True)
class Block:
    """One block of code of a page."""

    page: str
    line: int  # in which its code begins
    language: str
    source: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str | None:
        """Why it is left out; None when it is run."""
        return self.marks.get("not run")

    @property
    def runs(self) -> bool:
        """Whether there is something to do with it."""
        return self.reason is None and ("file" in self.marks or self.language not in STATIC)


@dataclass
class Story:
    """What lasts from one block of a page to the next."""

    folder: Path
    environment: dict[str, str]
    namespace: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """A file beside the folder; it names the folder in which the last command left its terminal."""
        return self.folder.parent / f"{self.folder.name}.place"


def blocks(path: Path, page: str) -> list[Block]:
    """The blocks of a page in their order; raises UnreadablePage for a language or a mark that is not known."""
    document = Document(path.read_text(encoding="utf-8"), page)
    found = []
    for region in sorted(LEXERS(document), key=lambda each: each.start):
        line = document.text.count("\n", 0, region.start) + 2  # behind the line that opens the block
        block = Block(page, line, region.lexemes["language"].strip(), region.lexemes["source"], marks(document, region))
        if block.language not in (*STATIC, *RUNNERS):
            known = ", ".join(repr(each) for each in (*STATIC, *RUNNERS))
            raise UnreadablePage(f"{page}:{line}: nobody knows how to run {block.language!r}; known are {known}")
        if unknown := sorted(set(block.marks) - set(MARKS)):
            raise UnreadablePage(f"{page}:{line}: <!-- {unknown[0]}: ... -->: marks are {', '.join(MARKS)}")
        found.append(block)
    return found


def marks(document: Document, region: Region) -> dict[str, str]:
    """The marks that stand directly above a block."""
    above, found = document.text[: region.start], {}
    while match := ABOVE.search(above):
        found[match["name"]] = match["value"]
        above = above[: match.start()]
    return found


def run_page(every: list[Block], story: Story) -> Iterator[str]:
    """Run the blocks that are not left out, in order; yields a sentence for each that is not as it is printed.

    It changes the folder of the process, as the commands of the page do.
    """
    story.place.write_text(str(story.folder))
    for block in every:
        if not block.runs:
            continue
        os.chdir(story.place.read_text().strip())
        runner = write_file if "file" in block.marks else RUNNERS[block.language]
        for wrong in runner(block, story):
            yield f"{block.page}:{block.line}: {wrong}"


def write_file(block: Block, story: Story) -> list[str]:
    """A block that is a file of the reader's."""
    target = Path(block.marks["file"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.source, encoding="utf-8")
    return []


def load_yaml(block: Block, story: Story) -> list[str]:
    """A block of YAML that no command reads: it is YAML at least."""
    try:
        list(yaml.safe_load_all(block.source))
    except yaml.YAMLError as error:
        return [str(error)]
    return []


def console(block: Block, story: Story) -> list[str]:
    """A block of commands and what they print."""
    return run_console(block.source, story.place, story.environment, int(block.marks.get("exit code", "0")))


def python(block: Block, story: Story) -> list[str]:
    """A block of Python, in the namespace of its page."""
    return run_python(block.source, story.namespace, block.page, block.line)


RUNNERS: dict[str, Callable[[Block, Story], list[str]]] = {"console": console, "python": python, "yaml": load_yaml}
