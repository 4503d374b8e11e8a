"""Arrays of any processor: NumPy's or another library's that follows the array-API standard (torch, on CPU or GPU).

What the engine does to every mapping of a batch is written against the standard: `namespace(x)` gives the functions,
`floats` and `to_int` convert, since libraries differ in what they make of a whole number times a fraction. Annotations
say NumPy's types. What depends on a distribution is computed on the host, for the few tiles that differ, and spread.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.spec.options import Device

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
FLOAT, INT = np.dtype(np.float64), np.dtype(np.int64)
KEY_LIMIT = 2**62  # below which the digits of a mixed-radix key fit a signed 64-bit integer
FEW_TERMS = 8  # sums of up to so many terms are added one by one, which is cheaper than a cumulative sum

DEVICES = get_args(Device)
"""Where the engine computes: NumPy, or torch on one of its devices."""


def namespace(x: Any) -> Any:
    """The array-API functions for an array.

    >>> namespace(np.ones(1)) is np
    True
    """
    if x.__class__ is np.ndarray or isinstance(x, np.generic):
        return np
    return _compat().array_namespace(x)


def _compat() -> Any:
    """Loaded where it is needed, because NumPy alone does not, and commands shall start at once."""
    import array_api_compat

    return array_api_compat


def floats(x: Any) -> Float:
    """The same as float64."""
    if x.__class__ is np.ndarray:
        same: Float = x if x.dtype is FLOAT else x.astype(FLOAT)
        return same
    xp = namespace(x)
    found: Float = xp.astype(x, xp.float64, copy=False)
    return found


SNAP = 1e-12
"""Relative: far above the rounding of a few products, far below one of any number of instances."""


def to_int(x: Any) -> Int:
    """The same as int64, cut towards zero."""
    if x.__class__ is np.ndarray:
        same: Int = x if x.dtype is INT else x.astype(INT)
        return same
    xp = namespace(x)
    found: Int = xp.astype(x, xp.int64, copy=False)
    return found


def snapped(x: Float) -> Float:
    """The whole number that is so near that only the rounding of a share can lie between.

    >>> snapped(np.array([255.99999999999994, 255.9])).tolist()
    [256.0, 255.9]
    """
    xp = namespace(x)
    whole = xp.round(x)
    near: Float = xp.where(xp.abs(x - whole) <= SNAP * whole, whole, x)
    return near


def floor(x: Float) -> Int:
    """Rounded down, int64."""
    return to_int(namespace(x).floor(x))


def ceil(x: Float) -> Int:
    """Rounded up, int64."""
    return to_int(namespace(x).ceil(x))


def ratio(a: Any, b: Any, otherwise: float) -> Float:
    """a / b where b > 0, else a constant.

    >>> ratio(np.array([1, 2]), np.array([2, 0]), 1.0).tolist()
    [0.5, 1.0]
    """
    xp = namespace(b)
    there = b > 0
    if xp is np:
        if there.all():
            plain: Float = a / b
            return plain
        blank: Float = np.full(np.broadcast_shapes(np.shape(a), b.shape), otherwise)
        np.divide(a, b, out=blank, where=there)
        return blank
    value = floats(a) / floats(xp.where(there, b, xp.ones_like(b)))
    found: Float = xp.where(there, value, xp.full_like(value, otherwise))
    return found


def constant(like: Any, value: float) -> Float:
    """float64 of a constant, as many as there are mappings in an array whose last axis is the batch."""
    xp = namespace(like)
    if xp is np:
        return np.full(like.shape[-1], value)
    found: Float = xp.full((like.shape[-1],), value, dtype=xp.float64, device=_compat().device(like))
    return found


def in_order(terms: Float) -> Float:
    """Sum over the first axis, one after the other as Timeloop adds: NumPy's pairwise sum rounds differently."""
    if isinstance(terms, np.ndarray) and terms.shape[0] > FEW_TERMS:
        found: Float = np.asarray(np.cumsum(terms, axis=0)[-1], dtype=np.float64)
        return found
    total = terms[0, ...]
    for place in range(1, terms.shape[0]):
        total = total + terms[place, ...]
    return total


def any_(flags: Any) -> bool:
    """Is any of the flags set?"""
    return bool(flags.any() if isinstance(flags, np.ndarray) else namespace(flags).any(flags))


def sum_in_order(terms: Sequence[Any]) -> Any:
    """Sum of arrays, one after the other."""
    found = terms[0]
    for term in terms[1:]:
        found = found + term
    return found


def maximum_of(terms: Sequence[Any]) -> Any:
    """The largest of some arrays, mapping by mapping."""
    found, xp = terms[0], namespace(terms[0])
    for term in terms[1:]:
        if term is not found:
            found = xp.maximum(found, term)
    return found


def on_host(x: Any) -> NDArray[Any]:
    """The same as a NumPy array."""
    if isinstance(x, np.ndarray):
        return x
    return np.asarray(x.cpu()) if hasattr(x, "cpu") else np.from_dlpack(x)


def like(x: NDArray[Any], other: Any) -> Any:
    """A NumPy array where another array lies."""
    xp = namespace(other)
    return x if xp is np else xp.asarray(x, device=_compat().device(other))


def among(places: Int, wanted: Collection[int]) -> Bool:
    """Which of some places, whole numbers from 0 on, are wanted; for a few different ones faster than NumPy's isin.

    >>> among(np.array([[0, 2], [1, 2]]), {2}).tolist()
    [[False, True], [False, True]]
    """
    table = np.zeros(max((int(places.max(initial=0)), *wanted)) + 1, dtype=bool)
    table[list(wanted)] = True
    found: Bool = table[places]
    return found


def distinct(rows: Sequence[Int]) -> tuple[Int, Int]:
    """Indices of columns that differ, one of each kind, and for every column which of them it equals; int64[b] rows.

    >>> first, which = distinct([np.array([1, 2, 1]), np.array([5, 5, 5])])
    >>> len(first), bool(which[0] == which[2] != which[1])
    (2, True)
    """
    xp = namespace(rows[0])
    key, size = rows[0], int(xp.max(rows[0])) + 1
    for row in rows[1:]:
        step = int(xp.max(row)) + 1
        if size * step >= KEY_LIMIT:
            first, key = _distinct(key)
            size = int(first.shape[0])
        if size * step >= KEY_LIMIT:
            first, row = _distinct(row)
            step = int(first.shape[0])
        key, size = key * step + row, size * step
    return _distinct(key)


def _distinct(key: Int) -> tuple[Int, Int]:
    xp = namespace(key)
    order = xp.argsort(key)
    inside = xp.take(key, order)
    new = inside[1:] != inside[:-1]
    starts = xp.concat([xp.ones_like(inside[:1], dtype=xp.bool), new])
    if xp is np:
        which = np.empty_like(key)
        which[order] = np.cumsum(starts) - 1
        return order[starts], which
    group = xp.cumulative_sum(to_int(starts)) - 1
    return order[starts], xp.take(group, xp.argsort(order))


@lru_cache(maxsize=8)
def mover(device: str) -> Any:
    """What puts a NumPy array on a device; InputError when the device is unknown or not there.

    >>> mover("numpy")(np.array([1])).tolist()
    [1]
    """
    if device not in DEVICES:
        raise InputError(f"device {device!r} is not known", hint=f"choose one of {', '.join(DEVICES)}")
    if device == "numpy":
        return lambda x: x
    try:
        import torch
    except ImportError as error:
        said = f"device {device!r} needs torch"
        raise InputError(said, hint="pip install 'crisp-hw[torch]', or use numpy") from error
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda': torch sees no GPU here", hint="use cpu or numpy")
    return lambda x: torch.asarray(x, device=device)
