"""The answer of a command to stdout, in the format that was asked for."""

import sys
from typing import TYPE_CHECKING

from crisp_hw.command_line import voice
from crisp_hw.command_line.formats import Format

if TYPE_CHECKING:
    from crisp_hw.documents.document import Document


def show(document: "Document", form: Format, wide: bool = False) -> None:
    """Print a document; with CSV, what does not fit into records goes to stderr.

    Tables leave out columns until they fit the screen, unless they may be `wide`, and say which.
    """
    from crisp_hw.documents.document import json_text, markdown_text
    from crisp_hw.documents.screen import remark_lines, screen_text, screen_width
    from crisp_hw.documents.tables import csv_text

    match form:
        case "table":
            sys.stdout.write(screen_text(document, screen_width(), wide, not voice.quiet()))
        case "md":
            sys.stdout.write(markdown_text(document))
        case "json":
            sys.stdout.write(json_text(document))
        case "csv":
            sys.stdout.write(csv_text(document.records))
            sys.stdout.flush()
            for remarks in (document.summary, document.remarks):
                voice.remark("".join(f"{line}\n" for line in remark_lines(remarks, screen_width())))


def show_table(document: "Document", form: Format, wide: bool) -> None:
    """Print a document of which every format but the table has every column, so that --wide is about that alone."""
    if wide and form != "table":
        voice.note(f"--wide has no effect with --format {form}, which has everything")
    show(document, form, wide)
