"""What one run may take: processor time and memory, which do not depend on what else the machine does."""

import os
import resource
import signal
from contextlib import contextmanager
from pathlib import Path

SECONDS = 20
BYTES = 2 * 2**30


class TooLong(BaseException):
    """It took more processor time than any input of this size may; nothing that handles errors catches it."""


def _address_space():
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def limits(seconds=SECONDS, bytes_more=BYTES):
    """Raises TooLong past `seconds` of processor time; past `bytes_more` of memory, memory is refused."""

    def late(*_):
        raise TooLong(f"more than {seconds} s of processor time")

    before_handler = signal.signal(signal.SIGPROF, late)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if Path("/proc/self/statm").exists():
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + bytes_more, hard))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, before_handler)
