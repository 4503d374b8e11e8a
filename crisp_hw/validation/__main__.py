"""`python -m crisp_hw.validation TARGET FILES`: compare every case of some files and write the page, or nothing."""

import sys
from pathlib import Path

from crisp_hw.errors import CrispError
from crisp_hw.machine.writing import write_text
from crisp_hw.validation import page, validate


def main(arguments: list[str]) -> str:
    """The message for the terminal; empty when the page is written."""
    if len(arguments) < 2:
        return "usage: python -m crisp_hw.validation TARGET.md FAMILY.jsonl.gz ..."
    target, *paths = map(Path, arguments)
    try:
        write_text(target, page(validate(paths)))
    except (CrispError, OSError) as error:
        return str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
