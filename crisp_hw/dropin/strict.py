"""What has no effect, refused where that was asked for."""

from collections.abc import Iterable
from itertools import islice

from crisp_hw.errors import InputError
from crisp_hw.timeloop.yaml.documents import InputFiles

SHOWN = 3


def check_strict(given: InputFiles, notes: Iterable[str]) -> None:
    """Refuse documents in which something has no effect, if they are to be read strictly; `notes` name it."""
    listed = list(notes)
    if not given.strict or not listed:
        return
    what = (
        "1 thing in the documents has no effect"
        if len(listed) == 1
        else (f"{len(listed)} things in the documents have no effect")
    )
    said = "; ".join(islice(listed, SHOWN))
    more = f"; and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    raise InputError(f"--strict: {what}: {said}{more}", hint="take it out, or run without --strict")
