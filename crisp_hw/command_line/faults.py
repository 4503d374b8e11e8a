"""An error as JSON on stdout, for whoever asked for JSON: the fields of the sentence that stands on stderr."""

import json
import sys
from collections.abc import Callable
from typing import Any

from crisp_hw.errors import CrispError, MappingError, Mark, Where

SCHEMA = "crisp-hw/error/1"


def telling(command: Callable[[], object], wanted: Callable[[], bool]) -> object:
    """Run a command; an error that it raises is told as JSON where that is wanted, and raised on."""
    try:
        return command()
    except CrispError as error:
        if wanted():
            sys.stdout.write(json.dumps(error_record(error), indent=2, allow_nan=False) + "\n")
        raise


def error_record(error: CrispError) -> dict[str, Any]:
    """What `--format json` prints of an error (docs/errors.md); what is not known is None.

    >>> found = error_record(CrispError("3 factors", Where("mapping", "RF", mark=Mark("a.yaml", 7)), "give 2"))["error"]
    >>> found["message"], found["document"], found["entry"], found["file"], found["line"]
    ('a.yaml:7: mapping of RF: 3 factors; give 2', 'mapping', 'RF', 'a.yaml', 7)
    """
    at = error.at or Where()
    mark = at.mark or Mark("")
    failures = error.failures if isinstance(error, MappingError) else ()
    fields = {
        "kind": "MappingError" if isinstance(error, MappingError) else type(error).__name__,
        "message": str(error),
        "reason": error.reason,
        "hint": error.hint or None,
        "context": error.context or None,
        "document": at.document or None,
        "entry": at.entry or None,
        "key": at.key or None,
        "file": mark.file or None,
        "line": mark.line or None,
        "exit_code": error.exit_code,
        "failures": [
            {name: getattr(each, name) for name in ("rule", "level", "tensor", "need", "have", "other")}
            for each in failures
        ],
    }
    return {"schema": SCHEMA, "error": fields}
