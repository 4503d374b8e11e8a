"""One tree of errors; every message names the place, the numbers and the next step."""


class CrispError(Exception):
    """Something the user can put right; the command line prints it as one sentence.

    >>> raise CrispError("a.yaml: no level named SMEM; add one")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.CrispError: a.yaml: no level named SMEM; add one
    """

    exit_code = 2


class InputError(CrispError):
    """A file, option or value that the project cannot accept (exit code 2)."""


class MappingError(CrispError):
    """A mapping, or a whole space of them, that does not fit the hardware (exit code 3)."""

    exit_code = 3
