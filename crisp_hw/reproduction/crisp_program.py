"""Masks for CRISP's claims from the program crisp-prune, which is run and never imported: crisp-hw needs no PyTorch."""

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crisp_hw.errors import InputError
from crisp_hw.machine.process import complete
from crisp_hw.machine.staging import scratch
from crisp_hw.reproduction.request import Request

PROGRAM = "crisp-prune"
LIMIT_S = 7 * 24 * 3600.0  # not given; assumed because a longer run is started by itself, and its file given
OURS = ("-o", "--out", "--run-dir", "--resume")
LAST_LINES = 12


@contextmanager
def pruned_by(request: Request) -> Iterator[Path | None]:
    """The masks that a request gives, or those that the program makes with its options, as long as they are needed."""
    if request.prune is None:
        yield request.masks
        return
    if request.masks is not None:
        raise InputError("masks are given, and crisp-prune would make others", hint="give --masks or --prune")
    with scratch() as folder:
        yield _pruned(request, folder / "run.safetensors")


def _pruned(request: Request, out: Path) -> Path:
    assert request.prune is not None
    try:
        words = shlex.split(request.prune)
    except ValueError as error:
        said = f"--prune {request.prune!r} has a quotation mark or a backslash at whose end something is missing"
        raise InputError(said, hint="write it as on a command line") from error
    taken = [word for word in words if word.split("=")[0] in OURS]
    if taken:
        raise InputError(f"--prune says {taken[0]}, which is chosen here", hint="to keep a run, start it by itself")
    program = shutil.which(PROGRAM)
    if program is None:
        raise InputError(f"{PROGRAM} is not installed", hint="pip install 'crisp-hw[torch]', or give --masks RUN")
    request.tell(f"{PROGRAM} run", 0, 1)
    done = complete([program, "run", *words, "--out", str(out)], Path.cwd(), LIMIT_S)
    if done.status != 0 or not out.is_file():
        said = " | ".join(done.output.strip().splitlines()[-LAST_LINES:])
        raise InputError(f"{PROGRAM} run ended with status {done.status} and no masks: {said}", hint="run it by itself")
    return out
