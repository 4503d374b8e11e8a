"""How a command ends, whatever happens to it: one sentence on stderr and an exit code, never a traceback.

`run_program` is the whole of a program; `ended` is one command within it. Loaded first by both commands, so that an
interrupt is met as early as can be; that is why everything that takes a while is loaded inside of functions.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from crisp_hw.machine.streams import OutputError, give_up_output, open_streams

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

REFUSED = 2  # something the user can put right: as `CrispError.exit_code`
NO_MEANS = 4  # the machine lacks something: memory, file handles, a library
DEFECT = 70  # an error that no code expected (EX_SOFTWARE of sysexits.h)
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
NO_READER = 141  # 128 + SIGPIPE, the same

_HANDLES = (errno.EMFILE, errno.ENFILE)
_LATER_S = 0.01  # after which a signal that could not be obeyed is looked at again
_OBEYED: list[int] = []  # the signals for which an error was raised


def run_program(program: str, command: Callable[[], object]) -> NoReturn:
    """Run a program to its end and leave the process with its exit code.

    Parameters
    ----------
    program
        The name in front of every sentence, such as "crisp-hw".
    command
        What to do; a SystemExit of it keeps its code. SIGINT raises KeyboardInterrupt in it, SIGTERM and SIGHUP raise
        SystemExit, so that whatever it started or made is ended and removed.

    Raises
    ------
    SystemExit
        Always.
    """
    open_streams()
    _catch_signals()
    try:
        code = ended(program, command)
    finally:
        _ignore_interrupts()  # all is done: what comes now has nothing to interrupt, but could spoil the ending
    sys.exit(code)


def ended(
    program: str,
    command: Callable[[], object],
    debug: bool | Callable[[], bool] = False,
    passing: tuple[type[BaseException], ...] = (),
) -> int:
    """Run a command; its exit code, with what went wrong said on stderr (with `debug`, the traceback too).

    `debug` may also be a function, asked once something went wrong: the command itself may read the option.

    Parameters
    ----------
    passing
        Errors that somebody further out handles: they are raised again as they are, like SystemExit.

    Examples
    --------
    >>> ended("crisp-hw", lambda: None)
    0
    """
    passed: tuple[type[BaseException], ...] = (SystemExit, *passing)
    try:
        try:
            command()
        except passed:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except passed:
        raise
    except KeyboardInterrupt:
        _say(program, "interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - this is where errors end; one that nobody expected is named a defect
        if _OBEYED and _is_defect(error):
            return _ended_by(program, _OBEYED[-1])
        return _said(program, error, debug if isinstance(debug, bool) else debug())
    return 0


def _is_defect(error: Exception) -> bool:
    return not isinstance(error, OutputError) and _sentence("", error)[0] == DEFECT


def _ended_by(program: str, number: int) -> int:
    """The end by a signal whose error some library turned into one of its own (NumPy does, while it compares rows)."""
    if number == signal.SIGINT:
        _say(program, "interrupted")
    return 128 + number


def _said(program: str, error: Exception, debug: bool) -> int:
    """Say what went wrong; the exit code."""
    if isinstance(error, OutputError):
        give_up_output()
        if error.errno == errno.EPIPE:
            return NO_READER  # who read has seen enough
    if debug:
        import traceback

        traceback.print_exception(error)
    code, text = _sentence(program, error)
    _say(program, f"error: {text}")
    return code


def _sentence(program: str, error: Exception) -> tuple[int, str]:
    from crisp_hw.errors import CrispError, Mark

    text = str(error)
    match error:
        case CrispError():
            return error.exit_code, text
        case OutputError():
            return REFUSED, f"standard output cannot be written ({error.strerror}); free space, or direct it elsewhere"
        case MemoryError():
            return NO_MEANS, f"out of memory{f' ({text})' if text else ''}; take fewer --jobs, or smaller inputs"
        case RecursionError():
            return NO_MEANS, "something is nested too deeply to be followed; flatten the input"
        case OSError() | ImportError() if any(os.strerror(each) in text for each in _HANDLES):
            return NO_MEANS, "too few file handles; raise the limit, for example with `ulimit -n 1024`"
        case ImportError():
            return NO_MEANS, f"a library cannot be loaded ({' '.join(text.split())[:200]}); install {program} again"
        case OSError() if error.filename is not None:
            return REFUSED, f"{Mark(_name(error.filename))}: {error.strerror}; choose another file or folder"
        case OSError():
            return NO_MEANS, f"the system refuses ({error.strerror or text or type(error).__name__}); try again"
    asked = f"report it with what `{program} --debug ...` prints"
    return DEFECT, f"this is a defect of {program} ({type(error).__name__}: {text[:300]}); {asked}"


def _name(filename: object) -> str:
    return os.fsdecode(filename) if isinstance(filename, bytes | os.PathLike) else str(filename)


def printable(text: str) -> str:
    """The text in one line, with a question mark for everything that would steer a terminal.

    >>> printable("a\\nb\\x1b[31m")
    'a b?[31m'
    """
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def _say(program: str, text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{program}: {printable(text)}\n")
    sys.stderr.flush()


def _catch_signals() -> None:
    """Let signals end the command in order; whoever started us with some ignored (nohup) has them stay so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    sys.unraisablehook = _repeated(sys.unraisablehook)


def _end(number: int, frame: FrameType | None) -> None:
    """Raise what ends the command; while a module is loaded, a little later.

    In the middle of that, the error would get lost in callbacks of the interpreter or leave half a module.
    """
    if _imports(frame):
        _raise_later(number)
        return
    _OBEYED.append(number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _raise_later(number: int) -> None:
    signal.signal(signal.SIGALRM, lambda _, frame: _end(number, frame))
    signal.setitimer(signal.ITIMER_REAL, _LATER_S)


def _imports(frame: FrameType | None) -> bool:
    """Is a module being loaded, up to the frame of `run_program`?"""
    while frame is not None and frame.f_code is not run_program.__code__:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _repeated(otherwise: "Callable[[UnraisableHookArgs], object]") -> "Callable[[UnraisableHookArgs], object]":
    """A hook for errors that cannot be raised where they happen: an interrupt in a destructor comes again outside."""

    def hook(what: "UnraisableHookArgs") -> None:
        match what.exc_value:
            case KeyboardInterrupt():
                _raise_later(signal.SIGINT)
            case SystemExit(code=int(code)) if code > 128:
                _raise_later(code - 128)
            case _:
                otherwise(what)

    return hook


def _ignore_interrupts() -> None:
    with suppress(ValueError):  # in another thread than the first, which has no handlers
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
