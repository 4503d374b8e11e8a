"""Makes docs/schemas: `python tools/schemas.py docs/schemas`, a JSON schema for every JSON that a command prints, and
one of architecture files for editors.

tests/crisp_hw/schemas makes them again, so that they say what the program does.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from crisp_hw.accelerators.editor_schema import NAME, editor_schema
from crisp_hw.schemas import SCHEMAS, json_schema


def texts() -> dict[str, str]:
    """The files by name: "crisp-hw/result/2" stands in result.2.json.

    >>> sorted(texts())[0]
    'accelerator.1.json'
    """
    made = {name: json_schema(name) for name in SCHEMAS} | {NAME: editor_schema()}
    return {
        f"{'.'.join(name.split('/')[1:])}.json": json.dumps(schema, indent=1, sort_keys=True) + "\n"
        for name, schema in made.items()
    }


def main(words: Sequence[str] | None = None) -> None:
    """Write all of them into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(words).folder
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
