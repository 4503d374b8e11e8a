"""Numbers that a caller puts into an accelerator: what each may be."""

import math

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.limits import EXACT, MOST_INSTANCES, MOST_KB, MOST_WORDS_PER_CYCLE
from crisp_hw.spec.variant import BITS_PER_KB

_MOST = {
    "cores": MOST_INSTANCES,
    "bandwidth": MOST_WORDS_PER_CYCLE,
    "_kb": MOST_KB,
    "_words": EXACT,
    "_banks": 64,  # as in a file (accelerators.schema: Count)
}


def positive(name: str, keyword: str, value: float | None) -> float:
    """The value, when it is a positive finite number (bool is not a number here)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InputError(f"{name}: {keyword} must be a positive number, not {value!r}")
    most = next(limit for ending, limit in _MOST.items() if keyword.endswith(ending))
    if value > most:
        raise InputError(f"{name}: {keyword}={value:g} is more than {most:,}, which nothing has", hint="use less")
    return value


def whole(name: str, keyword: str, level: StorageLevel, value: float | None) -> int:
    """Words of an access, or banks: whole, and the level holds whole vectors."""
    if value is None or value != int(value):
        raise InputError(f"{name}: {keyword} must be a whole number, not {value}")
    if keyword.endswith("banks") and level.technology == "DRAM":
        raise InputError(f"{name}: {keyword} has no effect", hint="no energy of a DRAM follows its banks")
    if keyword.endswith("words") and level.size_words is not None and level.size_words % int(value):
        said = f"{level.name} holds {level.size_words} words, which is no multiple of {keyword}={value:g}"
        raise InputError(f"{name}: {said}")
    return int(value)


def words(name: str, keyword: str, level: StorageLevel, value: float | None) -> int | None:
    """Size in words, whole vectors only."""
    if value is None:
        return None
    count = value * BITS_PER_KB / level.word_bits if keyword.endswith("_kb") else value
    if count != int(count) or int(count) % level.block_size:
        vector = f"{level.block_size} words of {level.word_bits} bits"
        raise InputError(f"{name}: {keyword}={value} is not a whole number of vectors ({vector})")
    return int(count)
