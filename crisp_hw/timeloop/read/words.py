"""The words of mappings and constraints that several readers know."""

import re
from collections.abc import Collection


def dimensions_in(text: str, dims: Collection[str]) -> list[str]:
    """The dimensions that a permutation names, written one after the other, with or without blanks and commas.

    One letter each, as Timeloop reads them; where the text is made of longer names, as timeloop-mapper writes it, these
    (of two readings the one with the longer name first). What is no dimension stays a letter.

    >>> dimensions_in("K C,R", ["R", "C", "K"]), dimensions_in("OCIC", ["IC", "OC"]), dimensions_in("KX", ["K"])
    (['K', 'C', 'R'], ['OC', 'IC'], ['K', 'X'])
    """
    joined = re.sub(r"[\s,]+", "", text)
    if all(len(dim) == 1 for dim in dims):
        return list(joined)
    return _cut(joined, sorted(dims, key=len, reverse=True)) or list(joined)


def _cut(text: str, dims: list[str]) -> list[str]:
    """The text as dimensions, each at most once; empty where it is none."""
    for dim in dims:
        if text == dim:
            return [dim]
        if text.startswith(dim) and (rest := _cut(text[len(dim) :], [each for each in dims if each != dim])):
            return [dim, *rest]
    return []
