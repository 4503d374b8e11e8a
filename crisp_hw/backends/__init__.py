"""Names to ways of evaluating a design point."""

from collections.abc import Callable

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.result import Result

Backend = Callable[[DesignPoint], Result]


def _timeloop(point: DesignPoint) -> Result:
    from crisp_hw.backends import timeloop  # its readers of statistics and tools, for which the engine has no use

    return timeloop.evaluate(point)


BACKENDS: dict[str, Backend] = {"embedded": evaluate, "timeloop": _timeloop}


def backend(name: str) -> Backend:
    """The evaluation function of that name; InputError lists the valid ones.

    >>> backend("embeded")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: unknown backend 'embeded'; there are embedded, timeloop
    """
    if name not in BACKENDS:
        raise InputError(f"unknown backend {name!r}", hint=f"there are {', '.join(BACKENDS)}")
    return BACKENDS[name]
