"""Sizes of an input as both commands take them."""

from crisp_hw.errors import InputError


def shape_from(text: str) -> tuple[int, ...]:
    """Positive extents from "1,3,224,224".

    >>> shape_from("1,3,8,8")
    (1, 3, 8, 8)
    """
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise InputError(f"--input {text!r} is no shape", hint="write batch,channels,height,width such as 1,3,224,224")
    return tuple(int(part) for part in parts)
